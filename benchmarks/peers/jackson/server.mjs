// Polis (`@boxyhq/saml-jackson`) as an npm library: its directory sync behind two express routes,
// over its own SQL engine with SQLite.

import {execFileSync} from "node:child_process";
import {randomUUID} from "node:crypto";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import jackson from "@boxyhq/saml-jackson";
import Database from "better-sqlite3";
import express from "express";

const {PEER_PORT, PEER_USERS, PEER_FOLDER} = process.env;
const file = join(PEER_FOLDER, "polis.sqlite3");

// It opens the file with better-sqlite3's defaults, and what the file itself says is its journal:
// with a write-ahead log nothing waits for the disk, which is right for filling it and no more.
function journal(mode) {
    const db = new Database(file);
    db.pragma(`journal_mode = ${mode}`);
    db.close();
}

const open = () => jackson.controllers({
    externalUrl: `http://127.0.0.1:${PEER_PORT}`,
    samlPath: "/saml",
    scimPath: "/scim/v2.0",
    noAnalytics: true,
    db: {engine: "sql", type: "sqlite", url: file, pageLimit: 100, ttl: 300, cleanupLimit: 1000},
    dsync: {callback: async () => {}},
    logger: {info: () => {}, warn: () => {}, error: console.error},
});

const must = async answer => {
    const {data, error} = await answer;
    if (error) throw new Error(error.message);
    return data;
};

async function seed({directories, users, groups}, number) {
    const {id: directoryId, scim} = await must(directories.create({
        name: "Benchmark", tenant: "peer", product: "peer", type: "generic-scim-v2",
    }));
    for (const store of [users, groups]) store.setTenantAndProduct("peer", "peer");
    const group = raw => must(groups.create({directoryId, name: raw.displayName, raw}));
    const large = await group({displayName: "Everyone", members: []});
    const small = await group({displayName: "Ten", members: []});
    const made = [];
    for (let i = 0; i < number; i++) {
        const email = `user${i}@example.com`;
        const [first_name, last_name, id] = ["Ada", `Lovelace ${i}`, randomUUID()];
        const raw = {
            schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
            id,
            userName: email,
            name: {givenName: first_name, familyName: last_name},
            displayName: `Ada Lovelace ${i}`,
            emails: [{value: email, type: "work", primary: true}],
            active: true,
        };
        await must(users.create({directoryId, id, email, first_name, last_name, active: true, raw}));
        await groups.addUserToGroup(large.id, id);
        if (i < 10) await groups.addUserToGroup(small.id, id);
        if (i < 1000) made.push({id, email});
    }
    return {
        base: `/scim/v2.0/${directoryId}`,
        token: scim.secret,
        users: made.map(({id}) => id),
        names: made.map(({email}) => email),
        large_group: large.id,
        small_group: small.id,
    };
}

// A process of its own fills the file: Polis keeps one connection for as long as a process lives.
if (process.argv[2] === "fill") {
    journal("WAL");
    const {directorySyncController, close} = await open();
    console.log(JSON.stringify(await seed(directorySyncController, Number(PEER_USERS))));
    await close();
    journal("DELETE");
    process.exit();
}
const seeded = execFileSync(process.execPath, [fileURLToPath(import.meta.url), "fill"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
});
const {directorySyncController} = await open();

const app = express();
app.use(express.json({type: ["application/scim+json", "application/json"], limit: "1mb"}));
app.all("/scim/v2.0/:directoryId/:resourceType/:resourceId?", async (request, response, next) => {
    const {startIndex, count, filter} = request.query;
    try {
        const {status, data} = await directorySyncController.requests.handle({
            ...request.params,
            method: request.method,
            body: ["POST", "PUT", "PATCH"].includes(request.method) ? request.body : undefined,
            apiSecret: request.header("Authorization")?.replace(/^Bearer /, "") ?? null,
            query: {
                startIndex: startIndex ? Number(startIndex) : undefined,
                count: count ? Number(count) : undefined,
                filter,
            },
        });
        response.status(status).json(data);
    } catch (error) {
        next(error);
    }
});
app.listen(Number(PEER_PORT), "127.0.0.1", () => console.log(seeded));
