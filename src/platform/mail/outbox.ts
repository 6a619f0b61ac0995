import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, LessThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { type Config, CONFIG } from '../config.js';
import { defineJob } from '../jobs/job-kinds.js';
import { JobFailure, Jobs } from '../jobs/jobs.js';
import type { KeyRef } from '../vault/keyring.js';
import { KeyGoneError } from '../vault/keyring.js';
import { Vault } from '../vault/vault.js';
import { Mail } from './mail.entity.js';
import { Postman, Undeliverable } from './postman.js';
import { composeMail, type MailTemplate } from './templates.js';

/** What a mail is made of when it is sent. */
export interface MailDraft {
  to: string;
  locale: string;
  template: MailTemplate;
  /** Fill the template's placeholders. */
  values: Record<string, string>;
}

export interface NewMail extends MailDraft {
  /** Whose key seals it: the addressee's. */
  key: KeyRef;
  notAfter: Date;
}

/** About two days of trying, with longer and longer pauses. */
const sendMail = defineJob<{ mailId: string }>('mail.send', {
  retryLimit: 12,
  retryDelay: 30,
  retryBackoff: true,
  retryDelayMax: 6 * 60 * 60,
  expireInSeconds: 120,
  pollingSeconds: 1,
});
const purgeMails = defineJob('mail.purge', { cron: '17 * * * *' });

/** Mails wait here, sealed. With SMTP_URL jobs send them; without, the host reads them with `npm run outbox`. */
@Injectable()
export class Outbox {
  constructor(
    @InjectRepository(Mail) private readonly mails: Repository<Mail>,
    @Inject(CONFIG) private readonly config: Config,
    private readonly jobs: Jobs,
    private readonly postman: Postman,
    private readonly vault: Vault,
  ) {
    jobs.handle(sendMail, ({ mailId }) => this.send(mailId));
    jobs.handle(purgeMails, () => this.purge());
  }

  /** Puts a mail into the outbox, in the transaction that is the reason for it. */
  async post(manager: EntityManager, { key, notAfter, ...draft }: NewMail): Promise<void> {
    const id = uuid();
    await manager.insert(Mail, {
      id,
      keyScope: key.scope,
      keyId: key.id,
      template: draft.template,
      sealed: await this.vault.seal(key, JSON.stringify(draft), mailContext(id)),
      createdAt: new Date(),
      notAfter,
      attempts: 0,
      failure: null,
      failedAt: null,
    });
    if (this.config.smtpUrl) await this.jobs.add(manager, sendMail, { mailId: id });
  }

  /** Takes back what waits for an addressee. */
  async withdraw(manager: EntityManager, { scope, id }: KeyRef): Promise<void> {
    await manager.delete(Mail, { keyScope: scope, keyId: id });
  }

  /** Mails that were waiting when the host had no SMTP server yet are sent once it has one. */
  async resume(): Promise<void> {
    if (!this.config.smtpUrl) return;
    await this.mails.manager.transaction(async (manager) => {
      const waiting = await manager
        .createQueryBuilder(Mail, 'mail')
        .where('mail.attempts = 0 AND mail.failed_at IS NULL')
        .getMany();
      for (const { id } of waiting) await this.jobs.add(manager, sendMail, { mailId: id }, { singletonKey: id });
    });
  }

  /** @throws JobFailure when it should be tried again */
  private async send(id: string): Promise<void> {
    const mail = await this.mails.findOneBy({ id });
    if (!mail || mail.failedAt) return;
    if (mail.notAfter < new Date()) return void (await this.mails.delete({ id }));
    try {
      const draft = await this.open(mail);
      await this.postman.deliver(draft.to, composeMail(draft), id);
      await this.mails.delete({ id });
    } catch (error) {
      if (error instanceof KeyGoneError) return void (await this.mails.delete({ id }));
      if (!(error instanceof Undeliverable)) throw error;
      const { code, permanent } = error;
      const attempts = mail.attempts + 1;
      await this.mails.update({ id }, { attempts, failure: code, failedAt: permanent ? new Date() : null });
      if (!permanent) throw new JobFailure(code);
    }
  }

  async open({ id, keyScope, keyId, sealed }: Mail): Promise<MailDraft> {
    return JSON.parse(await this.vault.open({ scope: keyScope, id: keyId }, sealed, mailContext(id))) as MailDraft;
  }

  private async purge(): Promise<void> {
    await this.mails.delete({ notAfter: LessThan(new Date()) });
  }
}

const mailContext = (id: string) => ['mail', id];
