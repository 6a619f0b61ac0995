import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource } from 'typeorm';
import { NIL } from 'uuid';
import type { Identity } from '../contract/events.js';
import { Identities } from '../interlocutors/identities.js';
import { Book, type BookEntry, wordsOf } from './book.js';
import { type DirectoryRow, directorySliceQuery, directoryRowsQuery } from './address-book.queries.js';

const namesInMemory = 300_000;
const rowsPerSlice = 1_000;

/**
 * The open names of active subscribers, bounded in memory. No token of a name is stored anywhere: searching and sorting
 * an address book happens here.
 */
@Injectable()
export class Directory {
  private readonly books = new LRUCache<string, Book>({
    maxSize: namesInMemory,
    sizeCalculation: (book) => book.size + 1,
  });
  private readonly loading = new Map<string, Promise<Book>>();

  constructor(
    private readonly database: DataSource,
    private readonly identities: Identities,
  ) {}

  /** The contacts of a subscriber; opened at the first call, and again when they were long unused. */
  async book(subscriberId: string): Promise<Book> {
    const known = this.books.get(subscriberId);
    if (known) return known;
    let load = this.loading.get(subscriberId);
    if (!load) {
      load = this.load(subscriberId).finally(() => this.loading.delete(subscriberId));
      this.loading.set(subscriberId, load);
    }
    return load;
  }

  /** Reads contacts again after they have changed, joined or gone. */
  async refresh(subscriberId: string, ...contactIds: string[]): Promise<void> {
    const book = (await this.loading.get(subscriberId)) ?? this.books.get(subscriberId);
    if (!book) return;
    const rows = await this.database.query<DirectoryRow[]>(directoryRowsQuery, [subscriberId, contactIds]);
    const entries = new Map((await this.open(subscriberId, rows)).map((entry) => [entry.id, entry]));
    for (const id of contactIds) {
      const entry = entries.get(id);
      if (entry) book.put(entry);
      else book.remove(id);
    }
    this.books.set(subscriberId, book);
  }

  /** After a label was deleted. */
  forgetLabel(subscriberId: string, labelId: string): void {
    this.books.get(subscriberId)?.forgetLabel(labelId);
    // A load under way may have read the label's contacts before.
    this.loading.get(subscriberId)?.then(
      (book) => book.forgetLabel(labelId),
      () => {},
    );
  }

  private async load(subscriberId: string): Promise<Book> {
    const entries: BookEntry[] = [];
    const texts = new Map<string, string>();
    const once = <Text extends string | null>(text: Text): Text => {
      if (text === null) return text;
      const known = texts.get(text);
      if (known === undefined) texts.set(text, text);
      return (known as Text | undefined) ?? text;
    };
    const slice = (after: string) =>
      this.database.query<DirectoryRow[]>(directorySliceQuery, [subscriberId, after, rowsPerSlice]);
    let rows = await slice(NIL);
    while (rows.length > 0) {
      // The next rows come while these are opened.
      const [next, opened] = await Promise.all([
        rows.length < rowsPerSlice ? [] : slice(rows.at(-1)!.id),
        this.open(subscriberId, rows, { keep: false }),
      ]);
      for (const entry of opened) {
        // What many contacts have in common is kept once.
        for (const field of ['name', 'firstName', 'region', 'province', 'sector'] as const)
          (entry as Record<typeof field, string | null>)[field] = once(entry[field]);
        entry.labels = entry.labels.length === 0 ? noLabels : entry.labels.map(once);
        entries.push(entry);
      }
      rows = next;
    }
    const book = new Book(entries);
    this.books.set(subscriberId, book);
    return book;
  }

  /** Leaves out those whose key was destroyed. */
  private async open(subscriberId: string, rows: DirectoryRow[], options?: { keep: boolean }): Promise<BookEntry[]> {
    const identities = await this.identities.openCopies(subscriberId, rows, options);
    return rows.flatMap((row, index) => {
      const identity = identities[index];
      return identity ? [entryOf(row, identity)] : [];
    });
  }
}

const noLabels: readonly string[] = [];

function entryOf(row: DirectoryRow, { displayName, surname, firstName, email }: Identity): BookEntry {
  const { id, region, province, sector, promotions, labels, joined_at: joinedAt, updated_at: updatedAt } = row;
  return {
    id,
    name: surname ?? displayName,
    firstName: firstName ?? '',
    words: wordsOf(displayName, email),
    region,
    province,
    sector,
    promotions,
    labels,
    joinedAt: joinedAt.getTime(),
    updatedAt: updatedAt.getTime(),
  };
}
