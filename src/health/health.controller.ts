import { Controller, Get, HttpCode } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Public } from '../auth/session.guard.js';
import { type DatabaseTrouble, databaseTroubles } from '../platform/database-failures.js';
import { DatabaseWatch } from '../platform/database-watch.js';
import { Log } from '../platform/log.js';
import { DomainError } from '../platform/problems/domain-error.js';

const answering = (status: string) => ({
  schema: { type: 'object', required: ['status'], properties: { status: { type: 'string', enum: [status] } } },
});

@ApiTags('health')
@Public({ session: 'ignored', atOnce: true })
@Controller('health')
export class HealthController {
  /** Told in the log when it changes, however often it is asked for. */
  private trouble: DatabaseTrouble | undefined;

  constructor(
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
  @ApiOkResponse(answering('ready'))
  async ready(): Promise<{ status: 'ready' }> {
    const trouble = await this.databases.trouble();
    if (trouble !== this.trouble) {
      this.trouble = trouble;
      if (trouble) this.log.warning('not ready', { reason: databaseTroubles[trouble].log });
      else this.log.info('ready again');
    }
    if (trouble) throw new DomainError('unavailable', { detail: databaseTroubles[trouble].log });
    return { status: 'ready' };
  }
}
