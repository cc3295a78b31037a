import { beforeEach, describe, expect, it } from "vitest";
import { type FakePlatform, fakePlatform } from "../fake/platform";
import { usePlatform } from "../platform";
import { Question } from "./question.svelte";

let fake: FakePlatform;
let question: Question;
beforeEach(async () => {
  fake = fakePlatform({ photos: 3 });
  usePlatform(fake);
  question = new Question();
  await question.turnTo(1);
  question.open();
});

const names = () => fake.calls.map((call) => call.name);

describe("a question about a photo", () => {
  it("is answered, and the model that answered is named", async () => {
    question.draft = "  What is the dog doing? ";
    const asking = question.ask();
    expect([question.answering, question.asked]).toEqual([true, "What is the dog doing?"]);
    await asking;
    expect(question.answer).toEqual({ text: "It runs.", model: "smolvlm" });
    expect(question.answering).toBe(false);
  });

  it("that is blank is not asked", async () => {
    question.draft = "   ";
    await question.ask();
    expect(names()).not.toContain("ask");
  });

  it("is put away with its photo, and its late answer is dropped", async () => {
    let finish = () => {};
    const ask = fake.handlers.ask;
    fake.handlers.ask = async (request) => {
      await new Promise<void>((resolve) => (finish = resolve));
      return ask(request);
    };
    question.draft = "where?";
    const asking = question.ask();
    await question.turnTo(2);
    expect(names()).toContain("stop_asking");
    finish();
    await asking;
    expect([question.draft, question.answer, question.answering]).toEqual([null, null, false]);
  });

  it("can be stopped, and asked again", async () => {
    let finish = () => {};
    const ask = fake.handlers.ask;
    fake.handlers.ask = async (request) => {
      await new Promise<void>((resolve) => (finish = resolve));
      return { ...(await ask(request)), stopped: true };
    };
    question.draft = "where?";
    const asking = question.ask();
    await question.stop();
    finish();
    await asking;
    expect([question.answer, question.answering, question.draft]).toEqual([null, false, "where?"]);
    fake.handlers.ask = ask;
    await question.ask();
    expect(question.answer?.text).toBe("It runs.");
  });

  it("that no model here answers says so, and is no error", async () => {
    fake.handlers.ask = () => {
      throw { code: "no_answerer", message: "no model" };
    };
    question.draft = "where?";
    await question.ask();
    expect([question.lacksModel, question.answering]).toEqual([true, false]);
    fake.handlers.ask = () => {
      throw { code: "model_missing", message: "gone" };
    };
    await expect(question.ask()).rejects.toEqual({ code: "model_missing", message: "gone" });
    expect([question.lacksModel, question.answering]).toEqual([false, false]);
  });
});
