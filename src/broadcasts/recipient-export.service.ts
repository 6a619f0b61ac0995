import { Injectable } from '@nestjs/common';
import { stringify } from 'csv-stringify/sync';
import { DataSource } from 'typeorm';
import { Actions } from '../actions/actions.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import type { SkipReason } from '../contract/broadcasts.js';
import type { Locale } from '../contract/common.js';
import { withoutFormulas } from '../contract/rules/formulas.js';
import type { RecipientView } from './broadcasts.dto.js';
import { Broadcasts } from './broadcasts.service.js';

const recipientsAtOnce = 200;

interface Words {
  columns: readonly string[];
  yes: string;
  no: string;
  sent: string;
  skipped: Record<SkipReason, string>;
}

const words: Record<Locale, Words> = {
  it: {
    columns: ['Nome', 'Esito', 'Consegnata', 'Vista', 'Risposta', 'ID Colloquio'],
    yes: 'sì',
    no: 'no',
    sent: 'inviata',
    skipped: {
      no_promotions: 'non ha detto sì alle promozioni',
      restricted: 'conversazione limitata',
      erased: 'cancellato',
    },
  },
  en: {
    columns: ['Name', 'Outcome', 'Delivered', 'Seen', 'Answered', 'Colloquio ID'],
    yes: 'yes',
    no: 'no',
    sent: 'sent',
    skipped: {
      no_promotions: 'has not agreed to promotions',
      restricted: 'conversation restricted',
      erased: 'erased',
    },
  },
};

/** The recipients of a broadcast as a file, in pieces. */
@Injectable()
export class RecipientExport {
  constructor(
    private readonly actions: Actions,
    private readonly broadcasts: Broadcasts,
    private readonly database: DataSource,
  ) {}

  /**
   * CSV (RFC 4180) in UTF-8 with BOM, so that spreadsheets read it as it is: in Italian they separate by `;`.
   * @throws NotFound
   */
  async csv(member: MemberPrincipal, id: string, locale: Locale): Promise<AsyncGenerator<string, void, undefined>> {
    const first = await this.broadcasts.recipients(member, id, { limit: recipientsAtOnce });
    await this.actions.record(this.database.manager, member, 'broadcast.exported', id);
    return this.pieces(member, id, { first, locale });
  }

  private async *pieces(
    member: MemberPrincipal,
    id: string,
    { first, locale }: { first: Awaited<ReturnType<Broadcasts['recipients']>>; locale: Locale },
  ): AsyncGenerator<string, void, undefined> {
    const delimiter = locale === 'it' ? ';' : ',';
    const written = (records: (readonly string[])[]) =>
      stringify(
        records.map((record) => [...record]),
        { delimiter, record_delimiter: 'windows', quoted_match: /[\r\n\t;,]/ },
      );
    yield '\uFEFF' + written([words[locale].columns]);
    let page = first;
    for (;;) {
      yield written(page.items.map((item) => cellsOf(item, words[locale])));
      const { nextCursor: cursor } = page;
      if (cursor === null) return;
      page = await this.broadcasts.recipients(member, id, { cursor, limit: recipientsAtOnce });
    }
  }
}

/** The cells of a recipient; those of what is not disclosed, or cannot be for who was skipped, are empty. */
function cellsOf({ contactId, displayName, ...result }: RecipientView, { yes, no, sent, skipped }: Words): string[] {
  const said = (is: boolean | undefined) => (is === undefined ? '' : is ? yes : no);
  const outcome =
    result.outcome === 'sent'
      ? [sent, said(result.delivered), said(result.seen), said(result.answeredSeq !== undefined)]
      : [skipped[result.reason!], '', '', ''];
  return [withoutFormulas(displayName), ...outcome, contactId];
}
