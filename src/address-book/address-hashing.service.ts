import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { NIL } from 'uuid';
import { Identities } from '../interlocutors/identities.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { AddressHashes } from '../platform/vault/address-hashes.js';
import { unhashedContactsQuery } from './address-book.queries.js';
import { contactAddress } from './contacts.service.js';

const hashAddresses = defineJob('address_book.hash', { cron: '53 * * * *' });
const hashedAtOnce = 500;

interface UnhashedContact {
  subscriber_id: string;
  id: string;
  identity: Buffer;
}

/** Hashes the addresses of contacts that came about before addresses were hashed. */
@Injectable()
export class AddressHashing {
  constructor(
    private readonly addresses: AddressHashes,
    private readonly database: DataSource,
    private readonly identities: Identities,
    jobs: Jobs,
  ) {
    jobs.handle(hashAddresses, () => this.hashAll());
  }

  async hashAll(): Promise<void> {
    let last: Pick<UnhashedContact, 'subscriber_id' | 'id'> = { subscriber_id: NIL, id: NIL };
    for (;;) {
      const place = [last.subscriber_id, last.id, hashedAtOnce];
      const rows = await this.database.query<UnhashedContact[]>(unhashedContactsQuery, place);
      for (const row of rows) await this.hash(row);
      if (rows.length < hashedAtOnce) return;
      last = rows.at(-1)!;
    }
  }

  /** One that is erased meanwhile, or corrected and hashed thereby, is left alone. */
  private async hash(row: UnhashedContact): Promise<void> {
    const { subscriber_id: subscriberId, id, identity: sealed } = row;
    const [identity] = await this.identities.openCopies(subscriberId, [row], { keep: false });
    if (!identity) return;
    const hash = this.addresses.of(contactAddress, identity.email, subscriberId);
    await this.database.query(
      'UPDATE contact SET address_hash = $3 WHERE subscriber_id = $1 AND id = $2 AND address_hash IS NULL AND identity = $4',
      [subscriberId, id, hash, sealed],
    );
  }
}
