/** The tags of the open photo: keywords, and words that the model proposes. */
import type { TagChange, TagRow } from "../api/bindings";
import { call } from "../api/call";

export class Tags {
  photo = $state(-1);
  rows = $state.raw<TagRow[]>([]);
  /** The text in the field while one adds a tag. */
  draft = $state<string | null>(null);

  async turnTo(photo: number): Promise<void> {
    if (this.photo === photo) return;
    this.photo = photo;
    this.rows = [];
    this.draft = null;
    if (photo < 0) return;
    const rows = await call("tags", { photo });
    if (photo === this.photo) this.rows = rows;
  }

  /** Keeps what was typed. */
  async add(): Promise<void> {
    const name = this.draft?.trim() ?? "";
    this.draft = null;
    if (name !== "") await this.change(name, "keep");
  }

  /** Changes a tag of a photo, of the open one unless another is named. */
  async change(name: string, change: TagChange, photo = this.photo): Promise<void> {
    const rows = await call("change_tag", { photo, name, change });
    if (photo === this.photo) this.rows = rows;
  }
}
