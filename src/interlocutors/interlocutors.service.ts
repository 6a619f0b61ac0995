import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { AccountHolders, type StatedHolder } from '../auth/account-holders.service.js';
import { NotFound } from '../platform/problems/domain-error.js';
import { Identities, type StatedIdentity } from './identities.js';
import { Interlocutor } from './interlocutor.entity.js';

/** The data that an interlocutor states when it joins; segments stay in clear, the identity is sealed. */
export interface StatedInterlocutor {
  identity: StatedIdentity;
  region: string | null;
  province: string | null;
  sector: string | null;
}

@Injectable()
export class Interlocutors {
  constructor(
    @InjectRepository(Interlocutor) private readonly interlocutors: Repository<Interlocutor>,
    private readonly identities: Identities,
    holders: AccountHolders,
  ) {
    holders.register('interlocutor', {
      select: 'SELECT id, NULL AS role FROM interlocutor WHERE account_id = account.id',
      keyOf: async ({ id: accountId }) => {
        const { id } = await this.interlocutors.findOneOrFail({ select: { id: true }, where: { accountId } });
        return { scope: 'interlocutor', id };
      },
      stated: async (_account, { id }) => holderOf(await this.get(id)),
      lock: (manager, { id }) => this.lock(manager, id),
    });
  }

  async create(
    manager: EntityManager,
    id: string,
    accountId: string,
    { identity, ...segments }: StatedInterlocutor,
  ): Promise<void> {
    const sealed = await this.identities.sealOriginal(id, identity);
    await manager.insert(Interlocutor, { id, accountId, identity: sealed, ...segments, createdAt: new Date() });
  }

  /**
   * Gets it as {@link get}, and locks it against edits until the transaction ends.
   * @throws NotFound
   */
  async getLocked(manager: EntityManager, id: string): Promise<StatedInterlocutor> {
    const row = await manager.findOne(Interlocutor, { where: { id }, lock: { mode: 'pessimistic_read' } });
    // It was erased in the same moment.
    if (!row) throw new NotFound();
    return this.stated(row);
  }

  /**
   * Writes down what an interlocutor now says of itself; two changes at once are made one after the other.
   * @param change gives the new from the old
   */
  async restate(
    manager: EntityManager,
    id: string,
    change: (before: StatedInterlocutor) => StatedInterlocutor,
  ): Promise<{ before: StatedInterlocutor; after: StatedInterlocutor }> {
    const row = await manager.findOne(Interlocutor, { where: { id }, lock: { mode: 'pessimistic_write' } });
    if (!row) throw new NotFound();
    const before = await this.stated(row);
    const after = change(before);
    const { identity, ...segments } = after;
    const sealed = await this.identities.sealOriginal(id, identity);
    await manager.update(Interlocutor, { id }, { identity: sealed, ...segments });
    return { before, after };
  }

  /** @throws NotFound */
  async get(id: string, manager = this.interlocutors.manager): Promise<StatedInterlocutor> {
    const row = await manager.findOneBy(Interlocutor, { id });
    if (!row) throw new NotFound();
    return this.stated(row);
  }

  /** The account of the person who is a contact; undefined if there is none. */
  async accountOfContact(subscriberId: string, contactId: string): Promise<string | undefined> {
    const [row] = await this.interlocutors.query<{ account_id: string }[]>(
      `SELECT interlocutor.account_id FROM contact JOIN interlocutor ON interlocutor.id = contact.interlocutor_id
       WHERE contact.subscriber_id = $1 AND contact.id = $2`,
      [subscriberId, contactId],
    );
    return row?.account_id;
  }

  /**
   * Locks interlocutors against edits and joinings until the transaction ends, in the order of their ids. Must come before the
   * locks of their contacts.
   */
  async lockAll(manager: EntityManager, ids: readonly string[]): Promise<void> {
    await manager.query('SELECT FROM interlocutor WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE', [ids]);
  }

  /** Finds those among locked interlocutors that are nobody's contact any more, with their accounts. */
  withoutContacts(manager: EntityManager, ids: readonly string[]): Promise<{ id: string; accountId: string }[]> {
    return manager.query<{ id: string; accountId: string }[]>(
      `SELECT id, account_id AS "accountId" FROM interlocutor
       WHERE id = ANY ($1::uuid[]) AND NOT EXISTS (SELECT FROM contact WHERE contact.interlocutor_id = interlocutor.id)`,
      [ids],
    );
  }

  /** Locks it against edits and joinings until the transaction ends. Must come before the locks of its account and its contacts. */
  private async lock(manager: EntityManager, id: string): Promise<void> {
    await manager.query('SELECT FROM interlocutor WHERE id = $1 FOR UPDATE', [id]);
  }

  private async stated({ id, identity, region, province, sector }: Interlocutor): Promise<StatedInterlocutor> {
    return { identity: await this.identities.openOriginal(id, identity), region, province, sector };
  }
}

function holderOf({ identity }: StatedInterlocutor): StatedHolder {
  const { email, firstName, surname, companyName } = identity;
  return { email, names: [firstName, surname, companyName] };
}
