/** The colours a label may have: names of design tokens, which every client draws in its own theme. */
export const labelColors = [
  'grey',
  'brown',
  'red',
  'orange',
  'yellow',
  'green',
  'teal',
  'blue',
  'purple',
  'pink',
] as const;

export type LabelColor = (typeof labelColors)[number];
