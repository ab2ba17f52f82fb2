-- Times are milliseconds since 1970. Columns marked "sealed" are encrypted and bound to their
-- row; columns marked "hash" are keyed hashes.

-- One row: what proves that a key file belongs to this store.
CREATE TABLE meta (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    index_check BLOB NOT NULL, -- hash
    seal_check  BLOB NOT NULL  -- sealed
) STRICT;

CREATE TABLE users (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    email        BLOB, -- sealed
    locale       TEXT,
    required     INTEGER NOT NULL CHECK (required IN (0, 1)),
    failures     INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    locked_until INTEGER,
    created      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE enrollments (
    id        TEXT PRIMARY KEY,
    user      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind      TEXT NOT NULL CHECK (kind IN ('phone', 'device', 'other')),
    channel   TEXT NOT NULL CHECK ((channel = '') = (kind = 'phone')),
    state     TEXT NOT NULL CHECK (state IN ('pending', 'active')),
    phone     BLOB CHECK ((phone IS NOT NULL) = (kind = 'phone')), -- sealed
    provider  TEXT,
    last_step INTEGER,
    attempts  INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    authority TEXT NOT NULL CHECK (authority IN ('nobody', 'approval', 'administrator')),
    approval  TEXT CHECK ((approval IS NOT NULL) = (authority = 'approval')), -- the approved challenge
    expires   INTEGER CHECK ((expires IS NOT NULL) = (state = 'pending')),
    created   INTEGER NOT NULL,
    -- At most one active and one pending of each factor.
    UNIQUE (user, kind, channel, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE enrollment_data (
    enrollment TEXT NOT NULL REFERENCES enrollments (id) ON DELETE CASCADE,
    provider   TEXT NOT NULL,
    data       BLOB NOT NULL, -- sealed
    PRIMARY KEY (enrollment, provider)
) STRICT, WITHOUT ROWID;

-- Provider-checked codes that were accepted, until nobody could accept them again anyway.
CREATE TABLE used_codes (
    enrollment TEXT NOT NULL REFERENCES enrollments (id) ON DELETE CASCADE,
    code       BLOB NOT NULL, -- hash
    until      INTEGER NOT NULL,
    PRIMARY KEY (enrollment, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE challenges (
    id         TEXT PRIMARY KEY,
    user       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose    TEXT NOT NULL CHECK (purpose IN ('login', 'enroll')),
    login_type TEXT,
    enrollment TEXT REFERENCES enrollments (id) ON DELETE SET NULL,
    state      TEXT NOT NULL
        CHECK (state IN ('sending', 'pending', 'approved', 'denied', 'expired', 'canceled', 'failed')),
    attempts   INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    approved   INTEGER CHECK ((approved IS NOT NULL) = (state = 'approved')), -- when
    used_for   TEXT -- the enrollment that was made or removed by leave of this approval
) STRICT, WITHOUT ROWID;
CREATE INDEX challenges_user ON challenges (user, created);
CREATE INDEX challenges_enrollment ON challenges (enrollment);
CREATE INDEX challenges_open ON challenges (expires) WHERE state IN ('sending', 'pending');

CREATE TABLE deliveries (
    id        TEXT PRIMARY KEY,
    challenge TEXT NOT NULL REFERENCES challenges (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL CHECK (number > 0), -- from 1; the greatest is the newest
    service   TEXT NOT NULL,
    channel   TEXT NOT NULL,
    provider  TEXT NOT NULL,
    state     TEXT NOT NULL
        CHECK (state IN ('sending', 'sent', 'unclear', 'failed', 'superseded', 'released')),
    live_key  BLOB, -- hash
    code      BLOB, -- hash
    data      BLOB, -- sealed
    created   INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    UNIQUE (challenge, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_checkable ON deliveries (expires) WHERE state IN ('sending', 'sent', 'unclear', 'superseded');

-- Provider-made codes that may be live: at most one per account, service and recipient. The rows
-- name challenge and delivery without referring to them, since a code stays live at its provider
-- when the user is forgotten here.
CREATE TABLE live_keys (
    key       BLOB PRIMARY KEY, -- hash
    challenge TEXT NOT NULL,
    delivery  TEXT NOT NULL UNIQUE,
    until     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Sends by recipient, over all users.
CREATE TABLE sends (
    recipient    BLOB PRIMARY KEY, -- hash
    last         INTEGER NOT NULL,
    window_start INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    locked_until INTEGER,
    idle_from    INTEGER NOT NULL -- from then on the row says nothing any more
) STRICT, WITHOUT ROWID;

-- What happened. The rows name people and things by id and refer to none, so that they stay.
CREATE TABLE audit (
    sequence   INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    user       TEXT,
    challenge  TEXT,
    enrollment TEXT,
    facts      TEXT NOT NULL
) STRICT;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is append-only');
END;

-- Also what makes REPLACE fail, which deletes without asking the trigger above.
CREATE TRIGGER audit_has_no_gaps BEFORE INSERT ON audit
WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM audit)
BEGIN
    SELECT RAISE(ABORT, 'the audit counts without gaps');
END;
