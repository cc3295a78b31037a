/** A person's settings, kept by the engine. */
import type { DeviceChoice, Language, Settings, Theme } from "../api/bindings";
import { call } from "../api/call";
import { setLanguage } from "../i18n/index.svelte";

const RECENT = 8;
/** Not there in jsdom. */
const systemIsDark = window.matchMedia?.("(prefers-color-scheme: dark)") as MediaQueryList | undefined;

export class Preferences {
  theme = $state<Theme>("system");
  language = $state<Language>("system");
  device = $state<DeviceChoice>("auto");
  /** Whether folders are watched while the window is open. */
  watch = $state(true);
  recent = $state.raw<string[]>([]);
  /** Whether the offer of a better model was answered; until the settings are read it counts as answered. */
  offerAnswered = $state(true);
  /** Whether they are kept: not in a library that is only read. */
  kept = true;

  constructor() {
    systemIsDark?.addEventListener("change", () => this.#apply());
    this.#apply();
  }

  async load(): Promise<void> {
    const settings = await call("settings", null);
    this.theme = settings.theme;
    this.language = settings.language;
    this.device = settings.device;
    this.watch = settings.watch;
    this.recent = settings.recent_searches;
    this.offerAnswered = settings.offer_answered;
    this.#apply();
  }

  setTheme(theme: Theme): Promise<void> {
    this.theme = theme;
    return this.#save();
  }

  setLanguage(language: Language): Promise<void> {
    this.language = language;
    return this.#save();
  }

  setDevice(device: DeviceChoice): Promise<void> {
    this.device = device;
    return this.#save();
  }

  setWatch(watch: boolean): Promise<void> {
    this.watch = watch;
    return this.#save();
  }

  /** Remembers a search, the latest first, in the place of what it was while it was typed. */
  remember(query: string): Promise<void> {
    const draft = this.#draft;
    const isLonger = draft !== null && query !== draft && (query.startsWith(draft) || draft.startsWith(query));
    this.#draft = query === "" ? null : query;
    if (query === "" || this.recent[0] === query) return Promise.resolve();
    const others = this.recent.filter((other) => other !== query && !(isLonger && other === draft));
    this.recent = [query, ...others].slice(0, RECENT);
    return this.#save();
  }

  answerOffer(): Promise<void> {
    this.offerAnswered = true;
    return this.#save();
  }

  forgetSearches(): Promise<void> {
    this.recent = [];
    return this.#save();
  }

  /** What was last remembered, as long as it may still be typed on. */
  #draft: string | null = null;

  async #save(): Promise<void> {
    this.#apply();
    const settings: Settings = {
      theme: this.theme,
      language: this.language,
      device: this.device,
      recent_searches: this.recent,
      watch: this.watch,
      offer_answered: this.offerAnswered,
    };
    if (this.kept) await call("save_settings", settings);
  }

  #apply(): void {
    const dark = this.theme === "dark" || (this.theme === "system" && systemIsDark?.matches === true);
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
    setLanguage(this.language);
  }
}
