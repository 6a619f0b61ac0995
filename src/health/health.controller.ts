import { Controller, Get, HttpCode } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Public } from '../auth/session.guard.js';
import { ChangeFeed } from '../change-feed/change-feed.service.js';
import type { Lag } from '../change-feed/consumers.js';
import { type DatabaseTrouble, databaseTroubles } from '../platform/database-failures.js';
import { DatabaseWatch } from '../platform/database-watch.js';
import { Log } from '../platform/log.js';
import { DomainError } from '../platform/problems/domain-error.js';

const answering = (status: string) => ({
  schema: { type: 'object', required: ['status'], properties: { status: { type: 'string', enum: [status] } } },
});

const ready = {
  schema: {
    type: 'object',
    required: ['status', 'consumers'],
    properties: {
      status: { type: 'string', enum: ['ready'] },
      consumers: {
        type: 'array',
        maxItems: 10,
        description:
          'Work derived from messages, such as the index of the archive, with the seconds for which the oldest message it has not seen has waited. The service is ready all the same.',
        items: {
          type: 'object',
          required: ['consumer', 'seconds'],
          properties: { consumer: { type: 'string' }, seconds: { type: 'integer', minimum: 0 } },
        },
      },
    },
  },
};

@ApiTags('health')
@Public({ session: 'ignored', atOnce: true })
@Controller('health')
export class HealthController {
  /** Told in the log when it changes, however often it is asked for. */
  private trouble: DatabaseTrouble | undefined;

  constructor(
    private readonly changes: ChangeFeed,
    private readonly databases: DatabaseWatch,
    private readonly log: Log,
  ) {}

  /** Liveness: the process runs. */
  @Get('live')
  @HttpCode(200)
  @ApiOkResponse(answering('live'))
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  /** Readiness: both databases answer and accept writes. Otherwise the answer is 503 with the reason, within two seconds. */
  @Get('ready')
  @ApiOkResponse(ready)
  async ready(): Promise<{ status: 'ready'; consumers: Lag[] }> {
    const trouble = await this.databases.trouble();
    if (trouble !== this.trouble) {
      this.trouble = trouble;
      if (trouble) this.log.warning('not ready', { reason: databaseTroubles[trouble].log });
      else this.log.info('ready again');
    }
    if (trouble) throw new DomainError('unavailable', { detail: databaseTroubles[trouble].log });
    return { status: 'ready', consumers: this.changes.lags() };
  }
}
