import { beforeEach, describe, expect, it, vi } from "vitest";
import { fakePlatform, type FakePlatform } from "../fake/platform";
import { usePlatform } from "../platform";
import { Results } from "./results.svelte";

let fake: FakePlatform;
beforeEach(() => {
  fake = fakePlatform({ photos: 100 });
  usePlatform(fake);
});

/** Answers to searches, given out of hand. */
function slowSearches() {
  const waiting = new Map<string, (photos: number[]) => void>();
  fake.handlers.search = ({ query }) =>
    new Promise((resolve) =>
      waiting.set(query, (strong) => resolve({ strong, possible: [], less_likely: [], beyond: "less_likely", unknown: null, chips: [], judged: true, searched: 100, took_ms: 1 })),
    );
  return waiting;
}

describe("results", () => {
  it("never shows an answer that a later question has overtaken", async () => {
    const waiting = slowSearches();
    const results = new Results();
    results.typed = "do";
    const first = results.ask();
    results.typed = "dog";
    const second = results.ask();
    await Promise.resolve();
    waiting.get("dog")?.([1, 2]);
    await second;
    waiting.get("do")?.([3]);
    await first;
    expect(results.ids).toEqual([1, 2]);
    expect(results.answered).toBe("dog");
    expect(results.waiting).toBe(false);
  });

  it("asks at the first key, and of those pressed meanwhile only for the last", async () => {
    const waiting = slowSearches();
    const results = new Results();
    for (const text of ["d", "do", "dog"]) results.type(text);
    await Promise.resolve();
    expect([...waiting.keys()]).toEqual(["d"]);
    waiting.get("d")?.([1]);
    await vi.waitFor(() => expect([...waiting.keys()]).toEqual(["d", "dog"]));
    waiting.get("dog")?.([2]);
    await vi.waitFor(() => expect(results.waiting).toBe(false));
    expect(results.ids).toEqual([2]);
  });

  it("shows everything when nothing is asked, and only the album when one is open", async () => {
    const results = new Results();
    await results.ask();
    expect(results.ids.length).toBe(100);
    expect(results.isSearch).toBe(false);
    const album = await fake.call("create_album", { name: "Rex", photos: [5, 9] });
    await results.show({ kind: "album", id: album.id });
    expect(results.ids).toEqual([5, 9]);
  });

  it("keeps what is shown when a question fails, and says why", async () => {
    const results = new Results();
    await results.ask();
    fake.handlers.search = () => Promise.reject({ code: "query_wrong", message: "after: takes a date" });
    results.typed = "after:x";
    await results.ask();
    expect(results.error).toEqual({ code: "query_wrong", message: "after: takes a date" });
    expect(results.ids.length).toBe(100);
  });

  it("sends filters and terms with the query", async () => {
    const results = new Results();
    results.typed = "beach";
    await results.setTerms([{ text: "red car", like: true, weight: 2 }]);
    await results.setFilters({ ...results.filters, camera: "X100V" });
    expect(fake.calls.at(-1)?.request).toMatchObject({ query: 'beach 2*"red car"', filters: { camera: "X100V" } });
  });

  it("waits for an answer on its way when the library changes, and asks once more then", async () => {
    const waiting = slowSearches();
    const results = new Results();
    results.typed = "dog";
    const asked = results.ask();
    await Promise.resolve();
    const answer = waiting.get("dog");
    for (let change = 0; change < 5; change += 1) await results.refresh();
    answer?.([1]);
    await vi.waitFor(() => expect(results.ids).toEqual([1]));
    await vi.waitFor(() => expect(waiting.get("dog")).not.toBe(answer));
    waiting.get("dog")?.([1, 2]);
    await asked;
    expect(results.ids).toEqual([1, 2]);
    expect(fake.calls.length).toBe(2);
  });

  it("does not let a key wait for the same question asked again while photos are indexed", async () => {
    const waiting = slowSearches();
    const results = new Results();
    results.typed = "do";
    const asked = results.ask();
    await Promise.resolve();
    waiting.get("do")?.([1]);
    await asked;
    const refreshed = results.refresh();
    await Promise.resolve();
    results.type("dog");
    await Promise.resolve();
    expect(fake.calls.map(({ request }) => (request as { query: string }).query)).toEqual(["do", "do", "dog"]);
    waiting.get("dog")?.([2]);
    waiting.get("do")?.([1, 3]);
    await refreshed;
    expect([results.ids, results.waiting, results.answered]).toEqual([[2], false, "dog"]);
  });

  it("recalls a query with its terms as chips, and clears it without its filters", async () => {
    const results = new Results();
    await results.setFilters({ ...results.filters, camera: "X100V" });
    await results.recall('beach 2*"red car" -"people"');
    expect(results.typed).toBe("beach");
    expect(results.terms.map((term) => term.text)).toEqual(["red car", "people"]);
    await results.clear();
    expect(results.query).toBe("");
    expect(results.filters.camera).toBe("X100V");
  });

  it("is another question with another sort, and the same one when the library changes", async () => {
    const results = new Results();
    await results.ask();
    const { question } = results;
    await results.refresh();
    expect(results.question).toBe(question);
    await results.setSort("oldest");
    expect(results.question).not.toBe(question);
  });

  it("shows less likely photos after all matches, more with every press, and none of them for the next question", async () => {
    const results = new Results();
    results.type("a dog");
    await vi.waitFor(() => expect(results.waiting).toBe(false));
    const { matches, question } = results;
    expect([results.lessLikely.length, results.beyond]).toEqual([0, "less_likely"]);
    const before = [...results.ids];
    fake.handlers.search = () => ({ strong: [1], possible: [2], less_likely: [3, 4], beyond: "nothing", unknown: null, chips: [], judged: true, searched: 4, took_ms: 1 });
    await results.showMore();
    expect(fake.calls.at(-1)?.request).toMatchObject({ query: "a dog", limit: 500, less_likely: 200 });
    expect(results.ids).toEqual([1, 2, 3, 4]);
    expect(results.matches).toBe(2);
    expect(results.question).toBe(question);
    await results.showMore();
    expect(fake.calls.at(-1)?.request).toMatchObject({ less_likely: 400 });
    await results.setSort("oldest");
    expect(fake.calls.at(-1)?.request).toMatchObject({ limit: 500, less_likely: 0 });
    expect(before.length).toBe(matches);
  });

  it("asks for more matches before less likely photos where a limit cuts", async () => {
    const results = new Results();
    fake.handlers.search = ({ limit }) => ({ strong: [...Array(limit).keys()], possible: [], less_likely: [], beyond: "matches", unknown: null, chips: [], judged: true, searched: 5000, took_ms: 1 });
    results.type("people");
    await vi.waitFor(() => expect(results.ids.length).toBe(500));
    await results.showMore();
    expect(results.ids.length).toBe(1000);
    await results.refresh();
    expect(results.ids.length).toBe(1000);
  });

  it("marks photos that answer an earlier text for a while, and no others", async () => {
    const waiting = slowSearches();
    const results = new Results();
    await results.ask();
    vi.useFakeTimers();
    try {
      results.type("dog");
      await vi.advanceTimersByTimeAsync(140);
      expect(results.stale).toBe(false);
      await vi.advanceTimersByTimeAsync(20);
      expect(results.stale).toBe(true);
      waiting.get("dog")?.([1]);
      await vi.advanceTimersByTimeAsync(1);
      expect([results.stale, results.answered]).toEqual([false, "dog"]);
      results.type("dogs");
      await vi.advanceTimersByTimeAsync(100);
      results.type("dog");
      await vi.advanceTimersByTimeAsync(100);
      expect(results.stale, "typed back").toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });

  it("keeps the mark on the photos of an earlier text while the new one is half a filter", async () => {
    const results = new Results();
    await results.ask();
    fake.handlers.search = () => Promise.reject({ code: "query_wrong", message: "`x` is not a date" });
    vi.useFakeTimers();
    try {
      results.type("after:x");
      await vi.advanceTimersByTimeAsync(200);
      expect([results.stale, results.waiting, results.ids.length]).toEqual([true, false, 100]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("takes a sign or a quote without a word for nothing said", async () => {
    const results = new Results();
    for (const typed of ["-", "+", '"', ' "" ', "\u2212"]) {
      results.typed = typed;
      await results.ask();
      expect([results.query, results.isSearch, results.ids.length]).toEqual(["", false, 100]);
    }
    results.typed = '12" drum';
    results.terms = [{ text: "snow", like: false, weight: 1 }];
    expect(results.query).toBe('12" drum" -"snow"');
    expect(fake.calls.some(({ name }) => name === "search")).toBe(false);
  });

  it("tells who listens of every new list", async () => {
    const heard: number[] = [];
    const results = new Results((_, after) => heard.push(after.length));
    await results.ask();
    results.typed = "nothing";
    await results.ask();
    expect(heard).toEqual([100, 0]);
  });
});
