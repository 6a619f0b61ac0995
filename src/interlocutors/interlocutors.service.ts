import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { NotFound } from '../platform/problems/domain-error.js';
import { Identities, type StatedIdentity } from './identities.js';
import { Interlocutor } from './interlocutor.entity.js';

/** What an interlocutor says of itself when it joins; the segments stay in clear, the identity is sealed. */
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
  ) {}

  async create(
    manager: EntityManager,
    id: string,
    accountId: string,
    { identity, ...segments }: StatedInterlocutor,
  ): Promise<void> {
    const sealed = await this.identities.sealOriginal(id, identity);
    await manager.insert(Interlocutor, { id, accountId, identity: sealed, ...segments, createdAt: new Date() });
  }

  /** @throws NotFound */
  async get(id: string): Promise<StatedInterlocutor> {
    const row = await this.interlocutors.findOneBy({ id });
    if (!row) throw new NotFound();
    const { region, province, sector } = row;
    return { identity: await this.identities.openOriginal(id, row.identity), region, province, sector };
  }
}
