//! Every console block of the README runs, in one sandbox, in its order.

#[test]
fn the_readme_is_true() {
    let home = tempfile::tempdir().unwrap();
    let sandbox = home.path().join("world");
    trycmd::TestCases::new()
        .env("HOME", home.path().to_string_lossy())
        .env("XDG_DATA_HOME", home.path().to_string_lossy())
        .env("XDG_STATE_HOME", home.path().to_string_lossy())
        .env("XDG_CONFIG_HOME", home.path().to_string_lossy())
        .env("ROLLCALL_SANDBOX", sandbox.to_string_lossy())
        .case("README.md");
}
