/** Fields of a request that take pictures. Apart from the schema, so that clients in browsers do not load it. */
export const INPUT_FIELDS = ['image', 'maskImage', 'referenceImage', 'controlImage', 'reduxImage'] as const;
