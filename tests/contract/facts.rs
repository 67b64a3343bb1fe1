//! What holds of every registrar. Each fact is written once, and tried on each place that can show it.

use rollcall::model::Fingerprint;
use rollcall::registrar::Fault;

use crate::place::{Broken, Place, deregister, dev, discreet, entry, known, register, unknown};

pub(crate) async fn nothing_there_is_known_and_empty<P: Place>(place: &mut P) {
    let view = known(place).await;
    assert!(view.installed, "{view:?}");
    assert!(view.entries.is_empty(), "{view:?}");
}

pub(crate) async fn what_is_registered_is_seen_and_leads_to_the_cluster<P: Place>(place: &mut P) {
    place.others_come().await;
    assert_eq!(entry(place).await, None);
    place.comes_first().await;
    let written = register(place, None).await.unwrap();
    let seen = entry(place).await.unwrap();
    assert_eq!((&seen.fingerprint, &seen.trouble), (&written, &None));
    assert!(place.leads_there(&seen, &place.order().await), "{seen:?}");
}

pub(crate) async fn registering_again_changes_nothing<P: Place>(place: &mut P) {
    place.others_come().await;
    place.comes_first().await;
    let written = register(place, None).await.unwrap();
    let before = place.holds().await;
    let again = register(place, Some(&written)).await.unwrap();
    assert_eq!(again, written);
    assert_eq!(place.holds().await, before);
    assert_eq!(entry(place).await.unwrap().fingerprint, written);
}

pub(crate) async fn a_new_life_goes_into_the_same_entry<P: Place>(place: &mut P) {
    place.others_come().await;
    place.comes_first().await;
    let first = register(place, None).await.unwrap();
    let identity = place.identity().await;
    place.is_born_again().await;
    let second = register(place, Some(&first)).await.unwrap();
    assert_eq!(place.tells_lives(), second != first);
    let seen = entry(place).await.unwrap();
    assert_eq!((&seen.fingerprint, &seen.trouble), (&second, &None));
    assert!(place.leads_there(&seen, &place.order().await), "{seen:?}");
    assert_eq!(place.identity().await, identity);
}

pub(crate) async fn an_entry_that_somebody_changed_is_left_alone<P: Place>(place: &mut P) {
    place.others_come().await;
    place.comes_first().await;
    let written = register(place, None).await.unwrap();
    place.tamper().await;
    let before = place.holds().await;
    let changed = entry(place).await.unwrap().fingerprint;
    assert_ne!(changed, written, "what somebody changed is seen");
    for expected in [Some(&written), Some(&Fingerprint::new("wrong")), None] {
        let failed = register(place, expected).await.unwrap_err();
        assert_eq!(failed.fault, Fault::NotOurs, "{failed}");
    }
    let failed = deregister(place, &written).await.unwrap_err();
    assert_eq!(failed.fault, Fault::NotOurs, "{failed}");
    assert_eq!(place.holds().await, before);
}

pub(crate) async fn an_entry_that_went_meanwhile_is_not_made_again<P: Place>(place: &mut P) {
    place.others_come().await;
    let before = place.holds().await;
    let gone = Fingerprint::new("gone");
    let failed = register(place, Some(&gone)).await.unwrap_err();
    assert_eq!(failed.fault, Fault::NotOurs, "{failed}");
    assert_eq!(place.holds().await, before);
    assert_eq!(entry(place).await, None);
}

pub(crate) async fn what_is_others_stays<P: Place>(place: &mut P) {
    place.others_come().await;
    let before = place.holds().await;
    assert!(!before.is_empty(), "somebody else is there");
    place.comes_first().await;
    let written = register(place, None).await.unwrap();
    let now = place.holds().await;
    let stays = |(name, said): (&String, &String)| now.get(name) == Some(said);
    assert!(before.iter().all(stays), "{before:?} became {now:?}");
    place.goes_first().await;
    deregister(place, &written).await.unwrap();
    assert_eq!(place.holds().await, before);
}

pub(crate) async fn what_is_deregistered_is_gone_and_again_is_fine<P: Place>(place: &mut P) {
    place.others_come().await;
    place.comes_first().await;
    let written = register(place, None).await.unwrap();
    place.goes_first().await;
    for _ in 0..2 {
        deregister(place, &written).await.unwrap();
        assert_eq!(entry(place).await, None);
    }
}

pub(crate) async fn an_unreachable_place_is_unknown_and_nothing_is_done_there<P: Place>(
    place: &mut P,
) {
    assert!(place.breaks(Broken::Unreachable).await);
    unknown(place, Broken::Unreachable).await;
    nothing_works(place).await;
}

pub(crate) async fn a_place_that_never_answers_is_unknown<P: Place>(place: &mut P) {
    assert!(place.breaks(Broken::Silent).await);
    unknown(place, Broken::Silent).await;
}

pub(crate) async fn nonsense_is_unknown_and_nothing_is_done_there<P: Place>(place: &mut P) {
    let mut sorts = 0;
    while place.breaks(Broken::Nonsense(sorts)).await {
        unknown(place, Broken::Nonsense(sorts)).await;
        nothing_works(place).await;
        sorts += 1;
    }
    assert!(sorts > 0, "some nonsense is needed");
}

/// Whatever is asked for fails, and gives no secret away.
async fn nothing_works<P: Place>(place: &P) {
    let order = place.order().await;
    let (registrar, seen) = (place.registrar(), Fingerprint::new("seen"));
    let failed = registrar.register(&order, None).await;
    discreet(place, &failed);
    assert!(failed.is_err(), "{failed:?}");
    let failed = registrar.deregister(&dev(), &seen).await;
    discreet(place, &failed);
    assert!(failed.is_err(), "{failed:?}");
}
