-- Documents: what is configured. Revisions come from one counter, so that none is ever used twice.
CREATE TABLE revision (last INTEGER NOT NULL);
INSERT INTO revision (last) VALUES (0);

CREATE TABLE document (
    account  TEXT    NOT NULL,
    region   TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    revision INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (account, region, kind, id)
) STRICT;

-- Messages: work that was accepted. Times are microseconds since the Unix epoch. `leased` hides a message
-- from receivers; when the lease ends is known to the running process only.
CREATE TABLE message (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    account  TEXT    NOT NULL,
    region   TEXT    NOT NULL,
    queue    TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    body     BLOB    NOT NULL,
    due      INTEGER NOT NULL,
    enqueued INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    leased   INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, region, queue, id)
) STRICT;

CREATE INDEX message_by_due ON message (queue, leased, due, seq);
CREATE INDEX message_leased ON message (seq) WHERE leased = 1;
