/**
 * A model that every test server knows by its configuration, without limits of its own. No upstream
 * serves it.
 */
export const RECIPE_MODEL = 'recipe-model'

export const recipeModel = {
  match: RECIPE_MODEL,
  prices: [],
  context_tokens: null,
  max_output_tokens: null,
  max_audio_seconds: null,
  estimate_output_tokens: 1024,
  limits: {},
}
