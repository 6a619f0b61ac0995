import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { LRUCache } from 'lru-cache';
import type { Repository } from 'typeorm';
import type { ContactView } from '../contract/events.js';
import { Identities } from '../interlocutors/identities.js';
import { Contact } from './contact.entity.js';

/** A contact as the directory holds it: open, with its words folded for searching. */
export interface DirectoryEntry {
  contact: ContactView;
  words: string[];
}

const namesInMemory = 300_000;

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
    @InjectRepository(Contact) private readonly contacts: Repository<Contact>,
    private readonly identities: Identities,
  ) {}

  /** Every contact of a subscriber, sorted by name. */
  async sorted(subscriberId: string): Promise<readonly DirectoryEntry[]> {
    return (await this.book(subscriberId)).sorted();
  }

  /** Reads one contact again after it has changed, joined or gone. */
  async refresh(subscriberId: string, contactId: string): Promise<void> {
    const book = (await this.loading.get(subscriberId)) ?? this.books.get(subscriberId);
    if (!book) return;
    const row = await this.contacts.findOneBy({ subscriberId, id: contactId });
    const [view] = row ? await this.views(subscriberId, [row]) : [];
    if (view) book.put(view);
    else book.remove(contactId);
    this.books.set(subscriberId, book);
  }

  /** The contacts as their subscriber sees them; one whose key was destroyed is left out. */
  async views(subscriberId: string, rows: Contact[], options?: { keep: boolean }): Promise<ContactView[]> {
    const identities = await this.identities.openCopies(subscriberId, rows, options);
    return rows.flatMap(({ id, region, province, sector, promotions, joinedAt, updatedAt }, index) => {
      const identity = identities[index];
      if (!identity) return [];
      const times = { joinedAt: joinedAt.toISOString(), updatedAt: updatedAt.toISOString() };
      return { id, ...identity, region, province, sector, promotions, ...times };
    });
  }

  private async book(subscriberId: string): Promise<Book> {
    const known = this.books.get(subscriberId);
    if (known) return known;
    let load = this.loading.get(subscriberId);
    if (!load) {
      load = this.load(subscriberId).finally(() => this.loading.delete(subscriberId));
      this.loading.set(subscriberId, load);
    }
    return load;
  }

  private async load(subscriberId: string): Promise<Book> {
    const rows = await this.contacts.findBy({ subscriberId });
    const book = new Book(await this.views(subscriberId, rows, { keep: false }));
    this.books.set(subscriberId, book);
    return book;
  }
}

class Book {
  private readonly entries: Map<string, DirectoryEntry>;
  private order: DirectoryEntry[] | undefined;

  constructor(contacts: ContactView[]) {
    this.entries = new Map(contacts.map((contact) => [contact.id, entryOf(contact)]));
  }

  get size(): number {
    return this.entries.size;
  }

  sorted(): readonly DirectoryEntry[] {
    return (this.order ??= [...this.entries.values()].sort(byName));
  }

  put(contact: ContactView): void {
    const known = this.entries.get(contact.id);
    if (known && known.contact.updatedAt > contact.updatedAt) return;
    const entry = entryOf(contact);
    if (this.order) {
      const order = known ? this.order.filter((each) => each !== known) : this.order;
      order.splice(placeOf(entry, order), 0, entry);
      this.order = order;
    }
    this.entries.set(contact.id, entry);
  }

  remove(id: string): void {
    const known = this.entries.get(id);
    if (!known) return;
    this.entries.delete(id);
    this.order = this.order?.filter((each) => each !== known);
  }
}

/** Lower case without accents, so that "nicolo" finds Niccolò's brother Nicolò. */
export function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

function entryOf(contact: ContactView): DirectoryEntry {
  const { displayName, email } = contact;
  return { contact, words: [...fold(displayName).split(/[^\p{L}\p{N}]+/u), fold(email)].filter(Boolean) };
}

const collator = new Intl.Collator('it', { sensitivity: 'base', numeric: true });

/** As a telephone book: persons by surname, companies by name. */
function byName(a: DirectoryEntry, b: DirectoryEntry): number {
  return (
    collator.compare(a.contact.surname ?? a.contact.displayName, b.contact.surname ?? b.contact.displayName) ||
    collator.compare(a.contact.firstName ?? '', b.contact.firstName ?? '') ||
    (a.contact.id < b.contact.id ? -1 : 1)
  );
}

function placeOf(entry: DirectoryEntry, order: readonly DirectoryEntry[]): number {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byName(order[middle]!, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
