/**
 * As much of the WebDriver protocol (W3C) as the tests of the app need, over WebKitWebDriver.
 *
 * Tauri's own driver is only a proxy before it that sets the variable below, so it is left out.
 */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
export const KEYS = {
  enter: "\uE007",
  shift: "\uE008",
  control: "\uE009",
  escape: "\uE00C",
  tab: "\uE004",
  pageUp: "\uE00E",
  pageDown: "\uE00F",
  end: "\uE010",
  home: "\uE011",
  left: "\uE012",
  up: "\uE013",
  right: "\uE014",
  down: "\uE015",
  delete: "\uE017",
  f10: "\uE03A",
};
/** Buttons of a mouse. */
export const RIGHT = 2;

/** The app under a driver. */
export class App {
  #driver;
  #base;
  #answers;
  #session;

  /** Starts driver and app; `environment` is added to the app's. */
  static async start(binary, environment) {
    const app = new App();
    const port = 4400 + Math.floor(Math.random() * 500);
    app.#base = `http://127.0.0.1:${port}`;
    app.#answers = join(tmpdir(), `sightline-answers-${process.pid}-${port}`);
    app.#driver = spawn("WebKitWebDriver", [`--port=${port}`], {
      env: { ...process.env, SIGHTLINE_DIALOG_ANSWERS: app.#answers, ...environment, TAURI_AUTOMATION: "true", TAURI_WEBVIEW_AUTOMATION: "true" },
      stdio: "ignore",
      // A group of its own, so that a kill reaches the app as well.
      detached: true,
    });
    await until("the driver answers", async () => (await fetch(`${app.#base}/status`)).ok);
    const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": { binary, args: [] } } };
    const { sessionId } = await app.#send("POST", "/session", { capabilities });
    app.#session = `/session/${sessionId}`;
    return app;
  }

  /** Process of the driver, below which those of the app are. */
  get pid() {
    return this.#driver.pid;
  }

  async #send(method, path, body) {
    const response = await fetch(this.#base + path, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  }

  /** Says what a person chooses in the next dialog of the system's; in one that nobody answers nothing is chosen. */
  answer(...paths) {
    return writeFile(this.#answers, paths.join("\n"));
  }

  #ask(method, path, body) {
    return this.#send(method, this.#session + path, body);
  }

  /** Runs the body of an async function in the page and gives what it returns. */
  run(script, ...args) {
    const body = `const done = arguments[arguments.length - 1]; const given = Array.from(arguments).slice(0, -1);
      (async function () { ${script} }).apply(null, given).then((value) => done({ value }), (error) => done({ error: String(error?.message ?? error?.code ?? error) }));`;
    return this.#ask("POST", "/execute/async", { script: body, args }).then((result) => {
      if (result.error !== undefined) throw new Error(result.error);
      return result.value ?? null;
    });
  }

  async find(css) {
    let found;
    await until(`${css} is there`, async () => {
      found = (await this.#ask("POST", "/elements", { using: "css selector", value: css }))[0];
      return found !== undefined;
    });
    return found[ELEMENT];
  }

  /** Does something to an element, once more when the page puts another in its place just then. */
  async #to(css, action, body) {
    for (let tries = 1; ; tries += 1) {
      const element = await this.find(css);
      try {
        return await this.#ask("POST", `/element/${element}/${action}`, body);
      } catch (error) {
        if (tries === 20 || !error.message.includes("stale element reference")) throw error;
        await sleep(50);
      }
    }
  }

  click(css) {
    return this.#to(css, "click", {});
  }

  /** Types text into an element, or into whatever has the keyboard. */
  async type(text, css) {
    if (css !== undefined) {
      await this.#to(css, "value", { text });
      return;
    }
    const actions = [...text].flatMap((key) => [{ type: "keyDown", value: key }, { type: "keyUp", value: key }]);
    await this.#ask("POST", "/actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  /**
   * Moves the mouse to a point of the window, presses and lets go.
   *
   * `held` is a key held meanwhile; with `to` the button is let go there.
   */
  async pressAt({ x, y }, { held, to } = {}) {
    const pause = { type: "pause" };
    const move = (point, duration) => ({ type: "pointerMove", origin: "viewport", x: Math.round(point.x), y: Math.round(point.y), duration });
    const mouse = [
      move({ x, y }, 0),
      { type: "pointerDown", button: 0 },
      ...(to === undefined ? [] : [move(to, 100)]),
      { type: "pointerUp", button: 0 },
    ];
    const actions = [{ type: "pointer", id: "mouse", actions: held === undefined ? mouse : [pause, ...mouse] }];
    if (held !== undefined) {
      const keys = [{ type: "keyDown", value: held }, ...mouse.map(() => pause), { type: "keyUp", value: held }];
      actions.unshift({ type: "key", id: "keyboard", actions: keys });
    }
    await this.#ask("POST", "/actions", { actions });
  }

  /** Presses keys one after the other while others are held. */
  async chord(held, ...keys) {
    const down = (value) => ({ type: "keyDown", value });
    const up = (value) => ({ type: "keyUp", value });
    const actions = [...held.map(down), ...keys.flatMap((key) => [down(key), up(key)]), ...held.map(up).reverse()];
    await this.#ask("POST", "/actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  /** Presses a button of the mouse on an element while keys are held; the point is from its middle, in pixels. */
  async press(css, { held = [], button = 0, x = 0, y = 0 } = {}) {
    const origin = { [ELEMENT]: await this.find(css) };
    const pause = { type: "pause" };
    const pointer = [
      { type: "pointerMove", origin, x, y },
      { type: "pointerDown", button },
      { type: "pointerUp", button },
    ];
    const keys = [...held.map((value) => ({ type: "keyDown", value })), ...pointer.map(() => pause)];
    keys.push(...held.map((value) => ({ type: "keyUp", value })));
    await this.#ask("POST", "/actions", {
      actions: [
        { type: "key", id: "keyboard", actions: keys },
        { type: "pointer", id: "mouse", actions: [...held.map(() => pause), ...pointer] },
      ],
    });
  }

  /** Presses the mouse on an element while Control is held. */
  controlClick(css) {
    return this.press(css, { held: [KEYS.control] });
  }

  /** Moves the mouse over an element. */
  async hover(css) {
    const origin = { [ELEMENT]: await this.find(css) };
    await this.#ask("POST", "/actions", {
      actions: [{ type: "pointer", id: "mouse", actions: [{ type: "pointerMove", origin, x: 0, y: 0 }] }],
    });
  }

  /** Presses the mouse on an element twice. */
  async doubleClick(css) {
    const origin = { [ELEMENT]: await this.find(css) };
    const press = [{ type: "pointerDown", button: 0 }, { type: "pointerUp", button: 0 }];
    await this.#ask("POST", "/actions", {
      actions: [{ type: "pointer", id: "mouse", actions: [{ type: "pointerMove", origin, x: 0, y: 0 }, ...press, ...press] }],
    });
  }

  /** Presses the mouse on one element and lets go over another. */
  async drag(from, to, { fromX = 0, fromY = 0, toX = 0, toY = 0 } = {}) {
    const start = { [ELEMENT]: await this.find(from) };
    const end = { [ELEMENT]: await this.find(to) };
    await this.#ask("POST", "/actions", {
      actions: [
        {
          type: "pointer",
          id: "mouse",
          actions: [
            { type: "pointerMove", origin: start, x: fromX, y: fromY },
            { type: "pointerDown", button: 0 },
            { type: "pointerMove", origin: end, x: toX, y: toY, duration: 200 },
            { type: "pointerUp", button: 0 },
          ],
        },
      ],
    });
  }

  text(css) {
    return this.run("return document.querySelector(arguments[0])?.textContent.trim() ?? null", css);
  }

  count(css) {
    return this.run("return document.querySelectorAll(arguments[0]).length", css);
  }

  /** Waits until a script returns something true. */
  until(what, script, ...args) {
    return until(what, () => this.run(script, ...args));
  }

  /** Takes a picture of the page. Drawn without OpenGL, the driver waits for the next drawing: a point in the corner sees to one. */
  async screenshot(file) {
    await this.run(
      `const point = document.createElement("div");
       point.style.cssText = "position: fixed; right: 0; bottom: 0; width: 1px; height: 1px; pointer-events: none";
       document.body.append(point);
       let drawn = 0;
       const timer = setInterval(() => (point.style.background = drawn++ % 2 ? "#000" : "#010101"), 30);
       window.screenshotTaken = () => (clearInterval(timer), point.remove());`,
    );
    try {
      await writeFile(file, Buffer.from(await this.#ask("GET", "/screenshot"), "base64"));
    } finally {
      await this.run("window.screenshotTaken()");
    }
  }

  resize(width, height) {
    return this.#ask("POST", "/window/rect", { width, height });
  }

  /** Closes the window as a person does, and waits for the app to end. */
  async quit() {
    await this.#ask("DELETE", "/window").catch(() => {});
    await this.#ask("DELETE", "").catch(() => {});
    await this.kill();
  }

  /** Ends app and driver with SIGKILL. */
  async kill() {
    const ended = new Promise((resolve) => this.#driver.once("exit", resolve));
    try {
      process.kill(-this.#driver.pid, "SIGKILL");
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
      return;
    }
    await ended;
  }
}

/** Asks again and again until the answer is true. */
export async function until(what, ask, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    try {
      if (await ask()) return;
    } catch (error) {
      last = error;
    }
    await sleep(50);
  }
  throw new Error(`not within ${seconds} s: ${what}`, { cause: last });
}
