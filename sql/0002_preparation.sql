-- What follows the creation of a cluster once in its life (images to load, manifests to apply): due from the moment in
-- which the creation is intended, done when all of it was. NULL: nothing follows, as for all that was made before.
ALTER TABLE rollcall_entries ADD COLUMN preparation TEXT CHECK (preparation IN ('due', 'done'));
