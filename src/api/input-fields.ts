/** Fields of a request that are a picture, or one or several. Without its schema, which clients in browsers do without. */
export const INPUT_FIELDS = ['image', 'maskImage', 'referenceImage', 'controlImage', 'reduxImage'] as const;
