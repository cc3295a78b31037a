/**
 * What a page that somebody took over can do to files: a script in the built app's page tries every command of the
 * generated list in every place where one can name something, and the commands of Tauri itself.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "node:test";

import { commands, purposes } from "./commands.mjs";
import { binary, call, cell, chosen, idle, root, skip } from "./harness.mjs";
import { App, until } from "./webdriver.mjs";

/** Codes of refusals by what a place takes. Answers to questions that nobody asked are no error, and do nothing. */
const REFUSED = { Grant: ["grant_gone"], KnownPath: ["path_unknown", null] };
const LONG_AGO = new Date(Date.now() - 3 * 24 * 3600 * 1000);
const none = { after: null, before: null, camera: null, lens: null, rating: null, place: null, folder: null, format: null, album: null };

describe("a page that somebody took over", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "sightline-page-"));
  const at = (...names) => join(folder, ...names);
  /** What must stay as it is. */
  const kept = ["photos", "private", "home"].map((name) => at(name));
  const [passport, profile, thesis] = [at("private", "passport.png"), at("home", ".profile"), at("home", "thesis.odt")];
  const outside = [passport, at("private"), profile, thesis, at("home"), at("home", "new.csv"), "/etc/passwd"];
  /** The same files by other ways, and what is no grant at all. */
  const forged = [...outside, `file://${passport}`, at("photos", "..", "private", "passport.png"), "../.profile", "", "0".repeat(64)];
  /** Whether this disk says when a file is read; where it does not, only changes are seen. */
  const tellsReading = () => {
    const file = at("read");
    writeFileSync(file, "x");
    utimesSync(file, LONG_AGO, LONG_AGO);
    readFileSync(file);
    return statSync(file).atimeMs > LONG_AGO.getTime() + 1000;
  };
  let app;
  let ids;

  const contents = () =>
    Object.fromEntries(
      kept.flatMap((place) =>
        readdirSync(place, { recursive: true, withFileTypes: true })
          .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
          .map((path) => [relative(folder, path), statSync(path).isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "folder"]),
      ),
    );
  const files = () => Object.keys(contents()).map((name) => at(name)).filter((path) => statSync(path).isFile());

  /** Does something that must neither change a file outside nor read one. */
  async function harmless(work) {
    const earlier = contents();
    const secrets = files().filter((path) => !path.startsWith(at("photos")));
    secrets.forEach((path) => utimesSync(path, LONG_AGO, LONG_AGO));
    await work();
    const read = secrets.filter((path) => existsSync(path) && statSync(path).atimeMs > LONG_AGO.getTime() + 1000);
    assert.deepEqual(read, [], "was read");
    assert.deepEqual(contents(), earlier);
    const { folders } = await call(app, "overview", null);
    assert.deepEqual(folders.map(({ path }) => path), [at("photos")]);
  }

  /** Calls commands in the page; gives the code of each error, null where there is none. */
  const codes = (requests) =>
    app.run(
      `const codes = [];
       for (const [name, request] of arguments[0]) {
         codes.push(await window.__TAURI_INTERNALS__.invoke("call", { name, request }).then(() => null, (error) => error?.code ?? String(error)));
       }
       return codes;`,
      requests,
    );

  /** Runs a script in the page that must fail. */
  const refused = (script, ...args) => assert.rejects(app.run(script, ...args), script);

  before(async () => {
    kept.forEach((place) => mkdirSync(place));
    if (!tellsReading()) console.log("SKIPPED: this disk does not say when a file is read");
    for (const name of ["lock.jpg", "panda.webp"]) copyFileSync(join(root, "assets/samples", name), at("photos", name));
    copyFileSync(join(root, "assets/samples/coffee.png"), passport);
    writeFileSync(profile, "# mine\n");
    writeFileSync(thesis, "years of work\n");
    app = await App.start(binary, {
      SIGHTLINE_LIBRARY: at("library"),
      HOME: at("home"),
      XDG_DATA_HOME: at("share"),
      XDG_CONFIG_HOME: at("config"),
      XDG_CACHE_HOME: at("cache"),
      LANG: "en_US.UTF-8",
    });
    await app.resize(1100, 700);
    // As a person does it.
    await app.answer(at("photos"));
    await app.click('[data-testid="choose-folder"]');
    await app.find(cell);
    await until("all are searchable", async () => (await call(app, "overview", null)).searchable === 2, 120);
    await idle(app);
    ids = (await call(app, "photos", { filters: none, sort: "newest" })).ids;
  });
  after(async () => {
    await app?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it("is tried with every command that takes what a person chose, and each has its dialog", () => {
    const taking = commands.filter(({ places }) => places.some(({ kind }) => kind === "Grant")).map(({ name }) => name);
    assert.deepEqual([...taking].sort(), [...purposes].sort());
    for (const name of ["export_table", "back_up", "add_folders", "restore_backup", "choose_library"]) assert.ok(taking.includes(name), name);
    assert.ok(commands.find(({ name }) => name === "reveal").places.some(({ kind }) => kind === "KnownPath"));
    assert.ok(commands.length > 60, "the whole list was read");
  });

  it("names a file to no command, in whatever place", async () => {
    const tries = commands.flatMap((command) =>
      command.places.flatMap(({ way, kind }) => forged.map((value) => ({ kind, of: `${command.name} ${way} ${value}`, request: [command.name, command.request(way, value, ids[0])] }))),
    );
    assert.ok(tries.length > 300, `${tries.length} requests`);
    await harmless(async () => {
      const answers = await codes(tries.map(({ request }) => request));
      tries.forEach(({ kind, of }, index) => {
        if (kind in REFUSED) assert.ok(REFUSED[kind].includes(answers[index]), `${of}: ${answers[index]}`);
      });
      await idle(app);
    });
    // Requests as they were when a page could name files.
    const old = commands.flatMap(({ name }) => outside.flatMap((path) => [{ path }, { file: path }, { folder: path }, { paths: [path] }]).map((request) => [name, request]));
    await harmless(async () => {
      const answers = await codes(old);
      answers.forEach((code, index) => {
        const [name, request] = old[index];
        if (purposes.includes(name)) assert.ok(["request_wrong", "grant_gone"].includes(code), `${name} ${JSON.stringify(request)}: ${code}`);
      });
    });
  });

  it("reads no file that a query names but those of the library", async () => {
    const search = (query) => ["search", { query, limit: 9, less_likely: 9, filters: none, sort: "match" }];
    const queries = outside.map((path) => `like:"${path}"`).concat([`-like:"${passport}"`, 'like:"thesis.odt"', 'dog like:"../private/passport.png"']);
    await harmless(async () => {
      const answers = await codes(queries.flatMap((query) => [search(query), ["explain", { photo: ids[0], query }]]));
      answers.forEach((code, index) => assert.equal(code, "path_unknown", queries[Math.floor(index / 2)]));
    });
    assert.deepEqual(await codes([search(`like:"${at("photos", "lock.jpg")}"`)]), [null]);
  });

  it("uses what a person chose for one command with no other", async () => {
    const victim = { Folders: at("private"), Folder: at("private"), File: passport, NewFile: profile };
    const kind = { add_folders: "Folders", export_copies: "Folder", choose_library: "Folder", import_model: "Folder", export_table: "NewFile", back_up: "NewFile", export_version: "NewFile" };
    for (const purpose of purposes) {
      const grant = await chosen(app, purpose, victim[kind[purpose] ?? "File"]);
      assert.match(grant, /^[0-9a-f]{64}$/);
      const others = commands.filter(({ name, places }) => name !== purpose && places.some(({ kind }) => kind === "Grant"));
      await harmless(async () => {
        const answers = await codes(others.map((command) => [command.name, command.request(command.places[0].way, grant, ids[0])]));
        answers.forEach((code, index) => assert.equal(code, "grant_gone", `${others[index].name} with a grant for ${purpose}`));
      });
    }
    // Whoever closes a dialog chooses nothing; nobody else is asked meanwhile.
    assert.equal(await call(app, "choose", { purpose: "add_folders", title: "", name: null }), null);
  });

  it("moves no photo to the trash that has no duplicate", async () => {
    const [kept, gone] = ids;
    const groups = [];
    for (let one = 1; one < 6; one += 1) for (let other = 1; other < 6; other += 1) groups.push([{ kept: { photo: kept, location: one }, gone: [{ photo: gone, location: other }] }]);
    await harmless(async () => {
      await codes(groups.map((groups) => ["trash_duplicates", { groups }]));
      // Of any other photo the system asks the person, and nobody answers.
      assert.deepEqual(await codes([["trash_photos", { photos: [gone], language: "en" }]]), [null]);
      await idle(app);
    });
  });

  it("has no commands of the shell's but to listen", async () => {
    const path = passport;
    const tries = [
      ["dialog|open", { options: { directory: true, defaultPath: at("private") } }],
      ["dialog|save", { options: { defaultPath: profile } }],
      ["dialog|message", { message: "Sign in again" }],
      ["fs|read_text_file", { path: profile }],
      ["fs|read_file", { path }],
      ["fs|read_dir", { path: at("private") }],
      ["fs|write_text_file", { path: profile, contents: "x" }],
      ["fs|write_file", { path: profile, contents: [1] }],
      ["fs|copy_file", { fromPath: path, toPath: at("home", "copy.png") }],
      ["fs|remove", { path }],
      ["opener|open_path", { path }],
      ["opener|open_url", { url: "https://example.com" }],
      ["opener|reveal_item_in_dir", { path }],
      ["shell|execute", { program: "id", args: [] }],
      ["shell|open", { path }],
      ["event|emit", { event: "drag", payload: { kind: "drop", folders: { grant: at("private"), names: [] }, photo: null } }],
      ["event|emit", { event: "tauri://drag-drop", payload: { paths: [at("private")], position: { x: 1, y: 1 } } }],
      ["event|emit_to", { target: { kind: "Any" }, event: "tauri://drag-drop", payload: { paths: [at("private")], position: { x: 1, y: 1 } } }],
      ["window|create", { options: { label: "other" } }],
      ["webview|create_webview", { windowLabel: "main", options: { label: "other", url: "https://example.com" } }],
      ["webview|create_webview_window", { options: { label: "other", url: "https://example.com" } }],
      ["webview|internal_toggle_devtools", {}],
      ["path|resolve_directory", { directory: 21, path: null }],
      ["image|from_path", { path }],
      ["resources|close", { rid: 1 }],
      ["menu|new", { kind: "Menu", handler: null }],
      ["tray|new", { options: {} }],
      ["process|exit", { code: 0 }],
      ["http|fetch", { clientConfig: { url: "https://example.com" } }],
      ["window-state|save_window_state", { flags: 1 }],
    ];
    await harmless(async () => {
      for (const [command, args] of tries) await refused(`return await window.__TAURI_INTERNALS__.invoke("plugin:${command}", arguments[0])`, args);
      await app.run(`window.dispatchEvent(new CustomEvent("tauri://drag-drop", { detail: { paths: [arguments[0]] } })); window.dispatchEvent(new CustomEvent("drag", { detail: arguments[0] })); return true`, at("private"));
      await idle(app);
    });
  });

  it("reaches no file by an address, and saves none", async () => {
    const path = encodeURIComponent(passport);
    const addresses = [`file://${passport}`, `asset://localhost/${path}`, `http://asset.localhost/${path}`, `sightline://localhost/${path}`, `sightline://localhost/full/${path}`,
      `sightline://localhost/full/..%2f..${path}`, `sightline://localhost/thumb/../..${passport}`, `tauri://localhost/${path}`, `tauri://localhost/..${passport}`, `ipc://localhost/plugin%3Afs%7Cread_file`];
    const original = readFileSync(passport);
    await harmless(async () => {
      for (const address of addresses) {
        const got = await app.run(
          `const answer = await fetch(arguments[0]).catch(() => null);
           if (answer === null || !answer.ok) return "";
           return [...new Uint8Array(await answer.arrayBuffer())].slice(0, 8).join();`,
          address,
        );
        assert.notEqual(got, [...original.subarray(0, 8)].join(), address);
        const drawn = await app.run(
          `return await new Promise((done) => { const image = new Image(); image.onload = () => done(true); image.onerror = () => done(false); image.src = arguments[0]; })`,
          address,
        );
        assert.equal(drawn, false, address);
      }
      await app.run(
        `const link = document.createElement("a");
         link.href = URL.createObjectURL(new Blob(["[Desktop Entry]"]));
         link.download = "sightline.desktop";
         document.body.append(link);
         link.click();
         link.href = "data:application/octet-stream,x";
         link.click();
         link.remove();
         window.open("file://" + arguments[0]);
         return true`,
        passport,
      );
      await sleep(1500);
    });
    assert.equal(await app.run(`return location.href.startsWith("tauri://localhost")`), true);
  });

  it("uses a grant once, and only where the dialog asked does a file go", async () => {
    const table = at("home", "photos.csv");
    const exportTable = (file) => codes([["export_table", { photos: [ids[0]], file }]]);
    const grant = await chosen(app, "export_table", table);
    assert.deepEqual(await exportTable(grant), [null]);
    assert.match(readFileSync(table, "utf8"), /lock\.jpg|panda\.webp/);
    writeFileSync(table, "changed by hand");
    assert.deepEqual(await exportTable(grant), ["grant_gone"]);
    const unasked = await chosen(app, "export_table", at("home", "other.csv"));
    writeFileSync(at("home", "other.csv"), "made meanwhile");
    assert.deepEqual(await exportTable(unasked), ["file_appeared"]);
    assert.deepEqual([readFileSync(table, "utf8"), readFileSync(at("home", "other.csv"), "utf8")], ["changed by hand", "made meanwhile"]);

    // The dialog gave a file that is there: it has asked.
    await app.answer(table);
    await app.click('[data-testid="settings"]');
    await app.click('[data-testid="back-up"]');
    await app.until("it says so", `return [...document.querySelectorAll('[data-testid="toast"]')].some((toast) => toast.textContent.includes("photos.csv"))`);
    assert.equal(readFileSync(table).subarray(0, 15).toString(), "SQLite format 3");

    // What a job writes takes nobody's place.
    mkdirSync(at("copies"));
    writeFileSync(at("copies", "lock.jpg"), "mine");
    await call(app, "export_copies", { photos: ids, folder: await chosen(app, "export_copies", at("copies")) });
    await until("they are copied", () => readdirSync(at("copies")).length === 3);
    assert.equal(readFileSync(at("copies", "lock.jpg"), "utf8"), "mine");

    assert.deepEqual(await codes([["import_version", { file: await chosen(app, "import_version", thesis) }]]), ["input_wrong"]);
    const file = await chosen(app, "similar_to_file", passport);
    utimesSync(passport, LONG_AGO, LONG_AGO);
    const { strong, possible } = await call(app, "similar_to_file", { file, limit: 9 });
    assert.equal(strong.length + possible.length, 2);
    assert.ok(!tellsReading() || statSync(passport).atimeMs > LONG_AGO.getTime() + 1000, "what is read is seen, on which the tests above rest");
    await call(app, "add_folders", { folders: await chosen(app, "add_folders", at("private")) });
    await until("the folder is there", async () => (await call(app, "overview", null)).photos === 3, 120);
  });
});

const noWindows = spawnSync("xwininfo", ["-version"]).error === undefined ? false : "SKIPPED: no xwininfo to see other windows with";

describe("a dialog of the system's", { skip: skip || noWindows }, () => {
  for (const [purpose, name] of [["add_folders", null], ["back_up", "/home/anna/.profile"], ["restore_backup", null]]) {
    it(`is shown by the program for ${purpose}, one at a time, and the page waits`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "sightline-dialog-"));
      const environment = { SIGHTLINE_LIBRARY: join(folder, "library"), XDG_DATA_HOME: join(folder, "share"), SIGHTLINE_DIALOG_ANSWERS: undefined };
      const app = await App.start(binary, environment);
      try {
        await app.find('[data-testid="first-run"]');
        const title = `Asked for ${purpose}`;
        await app.run(
          `window.answer = "none yet";
           void window.__TAURI_INTERNALS__.invoke("call", { name: "choose", request: arguments[0] }).then((answer) => (window.answer = answer));
           return true`,
          { purpose, title, name },
        );
        await until("the dialog is there", () => execFileSync("xwininfo", ["-root", "-tree"]).toString().includes(title));
        await assert.rejects(call(app, "choose", { purpose, title: "Another", name }), /another dialog is open/);
        assert.equal(await app.run("return window.answer"), "none yet");
        assert.ok(!execFileSync("xwininfo", ["-root", "-tree"]).toString().includes("Another"));
      } finally {
        await app.kill();
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});
