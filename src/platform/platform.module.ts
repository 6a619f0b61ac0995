import { type DynamicModule, Global, Module, type OnModuleDestroy } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { type Config, CONFIG } from './config.js';
import { DatabaseWatch } from './database-watch.js';
import { HotStatements } from './hot-statements.js';
import { Origins } from './http/origins.js';
import { Requests } from './http/requests.js';
import { Forgetting } from './forgetting/forgetting.js';
import { Jobs } from './jobs/jobs.js';
import { Log } from './log.js';
import { MailFailures } from './mail/mail-failures.js';
import { Mail } from './mail/mail.entity.js';
import { Outbox } from './mail/outbox.js';
import { Postman } from './mail/postman.js';
import { MailTemplates } from './mail/templates.js';
import { PublicRequests } from './outbound/public-requests.js';
import { ProblemFilter } from './problems/problem.filter.js';
import { RateLimits } from './rate-limits.js';
import { UnknownOutcomes } from './realtime/unknown-outcomes.js';
import { Realtime } from './realtime/realtime.js';
import { SessionWork } from './session-work.js';
import { openStorage } from './storage/open-storage.js';
import { Storage } from './storage/storage.js';
import { validationPipe } from './validation/validation.js';
import { AddressHashes } from './vault/address-hashes.js';
import { EpochRenewal } from './vault/epoch-renewal.js';
import { MASTER_KEY } from './vault/master-key.js';
import { PushKey } from './vault/push-key.js';
import { SigningKey } from './vault/signing-key.js';
import { Vault } from './vault/vault.js';

/** Everything that is opened before the application is assembled. */
export interface Foundation {
  config: Config;
  databases: DatabaseWatch;
  epochRenewal: EpochRenewal;
  log: Log;
  masterKey: Buffer;
  pushKey: PushKey;
  signingKey: SigningKey;
  vault: Vault;
}

@Global()
@Module({})
export class PlatformModule implements OnModuleDestroy {
  constructor(private readonly storage: Storage) {}

  onModuleDestroy(): void {
    this.storage.close();
  }

  static with({
    config,
    databases,
    epochRenewal,
    log,
    masterKey,
    pushKey,
    signingKey,
    vault,
  }: Foundation): DynamicModule {
    const values = [
      { provide: CONFIG, useValue: config },
      { provide: DatabaseWatch, useValue: databases },
      { provide: EpochRenewal, useValue: epochRenewal },
      { provide: PushKey, useValue: pushKey },
      { provide: SigningKey, useValue: signingKey },
      { provide: Log, useValue: log },
      { provide: MASTER_KEY, useValue: masterKey },
      { provide: Vault, useValue: vault },
    ];
    const storage = { provide: Storage, useFactory: () => openStorage(config) };
    const services = [
      AddressHashes,
      Forgetting,
      HotStatements,
      Jobs,
      MailFailures,
      MailTemplates,
      UnknownOutcomes,
      Origins,
      Outbox,
      Postman,
      PublicRequests,
      RateLimits,
      Realtime,
      Requests,
      SessionWork,
    ];
    return {
      module: PlatformModule,
      imports: [TypeOrmModule.forFeature([Mail])],
      providers: [
        ...values,
        ...services,
        storage,
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_PIPE, useFactory: validationPipe },
      ],
      exports: [...values, ...services, Storage],
    };
  }
}
