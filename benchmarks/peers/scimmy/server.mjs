// SCIMMY over SQLite, the way its documentation suggests: an ingress, an egress and a degress
// handler for each resource type. Users are rows found by their id or userName; members are rows.

import {randomUUID} from "node:crypto";
import {join} from "node:path";
import Database from "better-sqlite3";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const {PEER_PORT, PEER_USERS, PEER_FOLDER} = process.env;
const TOKEN = "peer";

const db = new Database(join(PEER_FOLDER, "scimmy.sqlite3"));
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.pragma("foreign_keys = ON");
db.exec(`
    CREATE TABLE users (
        id TEXT PRIMARY KEY, user_name TEXT NOT NULL UNIQUE COLLATE NOCASE,
        attributes TEXT NOT NULL, created TEXT NOT NULL, modified TEXT NOT NULL
    );
    CREATE TABLE groups (
        id TEXT PRIMARY KEY, display_name TEXT NOT NULL,
        created TEXT NOT NULL, modified TEXT NOT NULL
    );
    CREATE TABLE members (
        group_id TEXT NOT NULL REFERENCES groups ON DELETE CASCADE,
        user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        PRIMARY KEY (group_id, user_id)
    ) WITHOUT ROWID;
    CREATE INDEX members_of_user ON members (user_id);
`);

const sql = Object.fromEntries(Object.entries({
    user: "SELECT * FROM users WHERE id = ?",
    named: "SELECT * FROM users WHERE user_name = ?",
    users: "SELECT * FROM users ORDER BY id LIMIT ?",
    count: "SELECT count(*) FROM users",
    newUser: "INSERT INTO users VALUES (@id, @userName, @attributes, @now, @now)",
    changeUser: "UPDATE users SET user_name = @userName, attributes = @attributes, modified = @now WHERE id = @id",
    deleteUser: "DELETE FROM users WHERE id = ?",
    group: "SELECT * FROM groups WHERE id = ?",
    groups: "SELECT * FROM groups ORDER BY id",
    newGroup: "INSERT INTO groups VALUES (@id, @displayName, @now, @now)",
    changeGroup: "UPDATE groups SET display_name = @displayName, modified = @now WHERE id = @id",
    deleteGroup: "DELETE FROM groups WHERE id = ?",
    members: "SELECT user_id FROM members WHERE group_id = ?",
    addMember: "INSERT INTO members VALUES (?, ?)",
    removeMember: "DELETE FROM members WHERE group_id = ? AND user_id = ?",
}).map(([name, text]) => [name, db.prepare(text)]));
sql.count.pluck();
sql.members.pluck();

const notFound = id => new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
const meta = row => ({created: row.created, lastModified: row.modified});
const asUser = row => ({...JSON.parse(row.attributes), id: row.id, meta: meta(row)});
const asGroup = row => ({
    id: row.id,
    displayName: row.display_name,
    meta: meta(row),
    members: sql.members.all(row.id).map(value => ({value, type: "User"})),
});

// The value of a filter that is `userName eq "…"` and nothing else.
function userNameOf(filter) {
    const [only, ...others] = filter;
    const [[name, [operator, value]], ...more] = Object.entries(only);
    const isName = name.toLowerCase() === "username" && String(operator).toLowerCase() === "eq";
    return isName && typeof value === "string" && !others.length && !more.length ? value : null;
}

function listUsers(resource) {
    if (resource.filter) {
        const name = userNameOf(resource.filter);
        if (name !== null) return sql.named.all(name).map(asUser);
        return resource.filter.match(sql.users.all(-1).map(asUser));
    }
    // Without this SCIMMY would be given, and would build, every user for each page. It cuts the
    // page out itself, so rows are read to the page's end; the total it takes from here.
    resource.constraints ??= {};
    if (resource.constraints.sortBy) return sql.users.all(-1).map(asUser);
    const {startIndex = 1, count = 20} = resource.constraints;
    resource.constraints.totalResults = sql.count.get();
    return sql.users.all(startIndex - 1 + count).map(asUser);
}

function readUser(id) {
    const row = sql.user.get(id);
    if (!row) throw notFound(id);
    return asUser(row);
}

function writeUser(id, {schemas, meta, id: _, ...attributes}) {
    const row = {
        id: id ?? randomUUID(),
        userName: attributes.userName,
        attributes: JSON.stringify(attributes),
        now: new Date().toISOString(),
    };
    try {
        if (!id) sql.newUser.run(row);
        else if (!sql.changeUser.run(row).changes) throw notFound(id);
    } catch (error) {
        if (error.code !== "SQLITE_CONSTRAINT_UNIQUE") throw error;
        throw new SCIMMY.Types.Error(409, "uniqueness", "userName is taken");
    }
    return readUser(row.id);
}

function readGroup(id) {
    const row = sql.group.get(id);
    if (!row) throw notFound(id);
    return asGroup(row);
}

// SCIMMY hands over the whole group after a PATCH; only the members that differ are written.
const writeGroup = db.transaction((id, {displayName, members = []}) => {
    const row = {id: id ?? randomUUID(), displayName, now: new Date().toISOString()};
    if (!id) sql.newGroup.run(row);
    else if (!sql.changeGroup.run(row).changes) throw notFound(id);
    const wanted = new Set(members.map(({value}) => value));
    const there = new Set(sql.members.all(row.id));
    for (const user of wanted) if (!there.has(user)) sql.addMember.run(row.id, user);
    for (const user of there) if (!wanted.has(user)) sql.removeMember.run(row.id, user);
    return readGroup(row.id);
});

SCIMMY.Resources.declare(SCIMMY.Resources.User)
    .egress(resource => (resource.id ? readUser(resource.id) : listUsers(resource)))
    .ingress((resource, instance) => writeUser(resource.id, instance))
    .degress(({id}) => {
        if (!sql.deleteUser.run(id).changes) throw notFound(id);
    });
SCIMMY.Resources.declare(SCIMMY.Resources.Group)
    .egress(resource => {
        if (resource.id) return readGroup(resource.id);
        const found = sql.groups.all().map(asGroup);
        return resource.filter ? resource.filter.match(found) : found;
    })
    .ingress((resource, instance) => writeGroup(resource.id, instance))
    .degress(({id}) => {
        if (!sql.deleteGroup.run(id).changes) throw notFound(id);
    });

const seed = db.transaction(number => {
    const users = Array.from({length: number}, (_, i) => writeUser(undefined, {
        userName: `user${i}@example.com`,
        name: {givenName: "Ada", familyName: `Lovelace ${i}`},
        displayName: `Ada Lovelace ${i}`,
        emails: [{value: `user${i}@example.com`, type: "work", primary: true}],
        active: true,
    }));
    const members = users.map(({id}) => ({value: id}));
    return {
        users: users.slice(0, 1000).map(({id}) => id),
        names: users.slice(0, 1000).map(({userName}) => userName),
        large_group: writeGroup(undefined, {displayName: "Everyone", members}).id,
        small_group: writeGroup(undefined, {displayName: "Ten", members: members.slice(0, 10)}).id,
    };
});
const seeded = seed(Number(PEER_USERS));

const app = express();
app.use("/scim/v2", new SCIMMYRouters({
    type: "bearer",
    handler: request => {
        if (request.header("Authorization") !== `Bearer ${TOKEN}`) throw new Error("Unauthorized");
        return "peer";
    },
}));
app.listen(Number(PEER_PORT), "127.0.0.1", () => {
    console.log(JSON.stringify({base: "/scim/v2", token: TOKEN, ...seeded}));
});
