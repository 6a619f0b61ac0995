import { type CanActivate, type ExecutionContext, Injectable, Module } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { APP_GUARD } from '@nestjs/core';
import type { Request } from 'express';
import { ValidationFailed } from '../problems/domain-error.js';
import { fieldError } from '../problems/field-error.js';
import { planOf, type Shape } from '../validation/plan.js';

interface Declared {
  query: ReadonlySet<string>;
  body: ReadonlySet<string>;
}

const nothing: ReadonlySet<string> = new Set();

/**
 * Refuses query parameters that a route does not declare with the class of its `@Query()`, whatever its method: one that is
 * misspelled, or stands in the query instead of the body, would otherwise be passed over in silence.
 */
@Injectable()
export class DeclaredQueries implements CanActivate {
  private readonly known = new Map<unknown, Declared>();

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() === 'http') this.check(context);
    return true;
  }

  private check(context: ExecutionContext): void {
    const request = context.switchToHttp().getRequest<Request>();
    const given = Object.keys(request.query);
    if (given.length === 0) return;
    const { query, body } = this.declaredBy(context);
    const unknown = given.filter((name) => !query.has(name));
    if (unknown.length === 0) return;
    const place = request.is('multipart/form-data') ? 'form' : 'body';
    throw new ValidationFailed(
      unknown.map((name) => {
        const message = body.has(name)
          ? `{field} is a field of the ${place}, not of the query: send it there.`
          : 'There is no query parameter {field}.';
        return fieldError(name, { code: 'unknown_field', message });
      }),
    );
  }

  private declaredBy(context: ExecutionContext): Declared {
    const handler = context.getHandler();
    let declared = this.known.get(handler);
    if (!declared) {
      const controller = context.getClass();
      declared = {
        query: fieldsOf(controller, handler.name, RouteParamtypes.QUERY),
        body: fieldsOf(controller, handler.name, RouteParamtypes.BODY),
      };
      this.known.set(handler, declared);
    }
    return declared;
  }
}

/** Must be imported last, because guards run in the order of the modules and authorisation comes before validation. */
@Module({ providers: [{ provide: APP_GUARD, useClass: DeclaredQueries }] })
export class DeclaredQueriesModule {}

/** The fields of the class that a parameter of a handler is declared with. */
function fieldsOf(controller: { prototype: object }, handler: string, kind: RouteParamtypes): ReadonlySet<string> {
  const shape = declaredShape(controller, handler, kind);
  return shape ? planOf(shape).names : nothing;
}

/** The class of the parameter of a handler that takes the body or the query. */
export function declaredShape(
  controller: { prototype: object },
  handler: string,
  kind: RouteParamtypes,
): Shape | undefined {
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, handler) ?? {}) as Record<
    string,
    { index: number }
  >;
  const types = (Reflect.getMetadata('design:paramtypes', controller.prototype, handler) ?? []) as (
    Shape | undefined
  )[];
  const index = Object.entries(args).find(([key]) => key.startsWith(`${kind}:`))?.[1].index;
  const type = index === undefined ? undefined : types[index];
  return type && !untyped.includes(type) ? type : undefined;
}

const untyped: readonly unknown[] = [Object, String, Number, Boolean, Array];
