-- Whoever had a factor once and has none now does not register a first one again by password
-- alone: that takes an administrator, who enrolls one or releases the user.
ALTER TABLE users ADD COLUMN had_factor INTEGER NOT NULL DEFAULT 0 CHECK (had_factor IN (0, 1));
UPDATE users SET had_factor = 1
WHERE EXISTS (SELECT 1 FROM enrollments WHERE user = users.id AND state = 'active')
   OR EXISTS (SELECT 1 FROM audit WHERE audit.user = users.id AND audit.kind = 'enrollment_confirmed');

-- What enrollment_data.provider holds is the provider, followed by a space and the hash of the account
-- there where the data belongs to one.

-- The account at the provider by which a delivery went: hash; none where it belongs to no account,
-- or was written before accounts were told apart.
ALTER TABLE deliveries ADD COLUMN account BLOB;

-- For deleting what ended long ago.
CREATE INDEX challenges_ended ON challenges (expires) WHERE state NOT IN ('sending', 'pending');
