import type { CallHandler, ExecutionContext, INestApplicationContext, NestInterceptor } from '@nestjs/common';
import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import type { Request } from 'express';
import { finalize, type Observable } from 'rxjs';

/** A request that was let in. */
export interface AdmittedRequest extends Request {
  /**
   * Starts to handle the request; call the returned function when that is done.
   * @throws Unauthenticated when its session has ended meanwhile
   */
  begin?: () => () => void;
}

/**
 * Says when a request has been dealt with. That is not when its answer has left: who asked may have gone away, while
 * something is still being stored.
 */
const requestWork: NestInterceptor = {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<AdmittedRequest>();
    const { begin } = request;
    delete request.begin;
    const finish = begin?.();
    return finish ? next.handle().pipe(finalize(finish)) : next.handle();
  },
};

/**
 * Notes the requests of every controller; to be called before the routes are made. A global interceptor would reach the
 * gateways as well, where it would cost every message more than what it is for.
 */
export function noteRequests(app: INestApplicationContext): void {
  for (const { controllers } of app.get(ModulesContainer).values()) {
    for (const { metatype } of controllers.values()) {
      const others = (Reflect.getMetadata(INTERCEPTORS_METADATA, metatype!) ?? []) as unknown[];
      if (others.includes(requestWork)) continue;
      Reflect.defineMetadata(INTERCEPTORS_METADATA, [requestWork, ...others], metatype!);
    }
  }
}
