import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { v7 as uuid } from 'uuid';
import type { Problem } from '../../contract/errors.js';
import { Log } from '../log.js';
import { DomainError } from './domain-error.js';
import { sendProblem, toProblem } from './problems.js';

/** Makes a problem of every error: for HTTP the body, for a socket event the `error` of its acknowledgement. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    if (host.getType() === 'http')
      this.answer(error, host.switchToHttp().getRequest(), host.switchToHttp().getResponse());
    else this.acknowledge(error, host.getArgByIndex<(answer: unknown) => void>(2));
  }

  private answer(error: unknown, request: Request, response: Response): void {
    // The client went away before it had sent all of it, so there is no one to answer and nothing has failed here.
    if (request.destroyed && !request.complete) {
      this.log.aborted({ requestId: request.id });
      return void response.destroy();
    }
    const problem = toProblem(error, request.id);
    if (isFailure(error, problem)) this.log.failure(error, { requestId: request.id });
    if (response.headersSent) return void response.destroy();
    sendProblem(response, problem);
  }

  private acknowledge(error: unknown, done: (answer: unknown) => void): void {
    const problem = toProblem(error, uuid());
    if (isFailure(error, problem)) this.log.failure(error, { requestId: problem.requestId });
    done({ error: problem });
  }
}

/**
 * A refusal for lack of capacity is no failure: a client that asks for too much would fill the log. A handler that answers `unavailable`
 * in so many words has logged why, where it is worth a line.
 */
function isFailure(error: unknown, { status, code }: Problem): boolean {
  return status >= 500 && code !== 'overloaded' && !(error instanceof DomainError && code === 'unavailable');
}
