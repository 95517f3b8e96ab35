/** The generated part of docs/divergences.md: the accepted differences that the conformance test holds against OpenAI's document. */
export const divergences = (page: string) => page
