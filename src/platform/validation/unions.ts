import { type Type } from '@nestjs/common';
import { ApiProperty, getSchemaPath } from '@nestjs/swagger';

/**
 * Describes a field that is one of several classes, distinguished by its `kind`. The class that holds it names them as
 * `@ApiExtraModels` too.
 * @param name of the union's own schema, which `describeApi` makes of it
 */
export function OneOf(name: string, classes: Record<string, Type>): PropertyDecorator {
  const paths = Object.entries(classes).map(([kind, each]) => [kind, getSchemaPath(each)] as const);
  return ApiProperty({
    title: name,
    oneOf: paths.map(([, $ref]) => ({ $ref })),
    discriminator: { propertyName: 'kind', mapping: Object.fromEntries(paths) },
  });
}
