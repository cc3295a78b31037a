/** The albums, by name. */
import type { AlbumRow } from "../api/bindings";
import { call } from "../api/call";

export class Albums {
  rows = $state.raw<AlbumRow[]>([]);
  /** The album last added to; a key adds to it again. */
  lastUsed = $state<number | null>(null);

  byId(id: number): AlbumRow | undefined {
    return this.rows.find((album) => album.id === id);
  }

  async refresh(): Promise<void> {
    this.rows = await call("albums", null);
  }

  async create(name: string, photos: number[]): Promise<AlbumRow> {
    const album = await call("create_album", { name, photos });
    this.lastUsed = album.id;
    await this.refresh();
    return album;
  }

  async rename(album: number, name: string): Promise<void> {
    await call("rename_album", { album, name });
    await this.refresh();
  }

  async remove(album: number): Promise<void> {
    await call("remove_album", { album });
    if (this.lastUsed === album) this.lastUsed = null;
    await this.refresh();
  }

  async add(album: number, photos: number[]): Promise<void> {
    await call("add_to_album", { album, photos });
    this.lastUsed = album;
    await this.refresh();
  }

  async takeOut(album: number, photos: number[]): Promise<void> {
    await call("remove_from_album", { album, photos });
    await this.refresh();
  }
}
