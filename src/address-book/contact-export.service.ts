import { Injectable, type OnModuleInit } from '@nestjs/common';
import { stringify } from 'csv-stringify/sync';
import { DataSource } from 'typeorm';
import { Actions } from '../actions/actions.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { withoutFormulas } from '../contract/rules/formulas.js';
import type { ContactView } from './contacts.dto.js';
import { Contacts } from './contacts.service.js';

/** A row of the exported address book; labels by name. */
export type ExportedContact = Omit<ContactView, 'labels'> & { labels: string[] };

/** @returns the names of the labels of a subscriber, by their ids */
type NamesOfLabels = (subscriberId: string) => Promise<ReadonlyMap<string, string>>;

const contactsAtOnce = 500;

const columnNames = {
  it: {
    externalId: 'Codice',
    firstName: 'Nome',
    surname: 'Cognome',
    companyName: 'Ragione sociale',
    companyType: 'Forma giuridica',
    email: 'Email',
    region: 'Regione',
    province: 'Provincia',
    sector: 'Settore',
    labels: 'Etichette',
    phone: 'Telefono',
    note: 'Nota',
    promotions: 'Promozioni',
    joinedAt: 'Iscritto il',
    updatedAt: 'Modificato il',
    id: 'ID Colloquio',
  },
  en: {
    externalId: 'External ID',
    firstName: 'First name',
    surname: 'Surname',
    companyName: 'Company name',
    companyType: 'Company type',
    email: 'Email',
    region: 'Region',
    province: 'Province',
    sector: 'Sector',
    labels: 'Labels',
    phone: 'Phone',
    note: 'Note',
    promotions: 'Promotions',
    joinedAt: 'Joined',
    updatedAt: 'Changed',
    id: 'Colloquio ID',
  },
} as const;

type ColumnName = keyof (typeof columnNames)['it'];

/** The whole address book as a file, in pieces. */
@Injectable()
export class ContactExport implements OnModuleInit {
  private namesOfLabels: NamesOfLabels;

  constructor(
    private readonly actions: Actions,
    private readonly database: DataSource,
    private readonly contacts: Contacts,
  ) {}

  /** Registers where labels have their names from; to be called before the application has started. */
  nameLabelsBy(names: NamesOfLabels): void {
    this.namesOfLabels = names;
  }

  /** @throws Error when no slice has registered the names of labels */
  onModuleInit(): void {
    if (!this.namesOfLabels) throw new Error('no slice names the labels of an exported address book');
  }

  /** An array, with labels by name. */
  async *json(member: MemberPrincipal): AsyncGenerator<string, void, undefined> {
    let before = '[\n';
    await this.record(member);
    for await (const rows of this.rows(member)) {
      for (const row of rows) {
        yield before + JSON.stringify(row);
        before = ',\n';
      }
    }
    yield before === '[\n' ? '[]\n' : '\n]\n';
  }

  /** CSV (RFC 4180) in UTF-8 with BOM, so that spreadsheets read it as it is: in Italian they separate by `;`. */
  async *csv(member: MemberPrincipal, locale: string): AsyncGenerator<string, void, undefined> {
    const [names, delimiter] = locale === 'it' ? [columnNames.it, ';'] : [columnNames.en, ','];
    const fields = Object.keys(names) as ColumnName[];
    const written = (records: string[][]) =>
      stringify(records, { delimiter, record_delimiter: 'windows', quoted_match: /[\r\n\t;,]/ });
    await this.record(member);
    yield '\uFEFF' + written([Object.values(names)]);
    for await (const rows of this.rows(member)) {
      yield written(rows.map((row) => fields.map((field) => cellOf(row[field], locale))));
    }
  }

  /** The whole address book by name, in pages. */
  async *rows(member: MemberPrincipal): AsyncGenerator<ExportedContact[], void, undefined> {
    const nameOf = await this.namesOfLabels(member.subscriberId);
    let cursor: string | null | undefined;
    do {
      const page = await this.contacts.search(member, {
        sort: 'name',
        order: 'asc',
        limit: contactsAtOnce,
        ...(cursor && { cursor }),
      });
      yield page.items.map((contact) => ({
        ...contact,
        labels: contact.labels.flatMap((id) => nameOf.get(id) ?? []).sort(),
      }));
      cursor = page.nextCursor;
    } while (cursor);
  }

  private async record(member: MemberPrincipal): Promise<void> {
    await this.actions.record(this.database.manager, member, 'contacts.exported');
  }
}

function cellOf(value: string | string[] | boolean | null | undefined, locale: string): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return locale === 'it' ? (value ? 'sì' : 'no') : value ? 'yes' : 'no';
  return withoutFormulas(typeof value === 'string' ? value : value.map(listed).join(', '));
}

/** A name that contains the list separator is quoted, as imports expect it. */
const listed = (name: string) => (/[,;|"]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
