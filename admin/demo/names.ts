/** The names of people, service accounts and keys in the demo. */

const lines = (text: string) => text.split(/[,\n]/).map((one) => one.trim())

/** 39 members beside the owner, and 3 who have left. */
export const people =
  lines(`Amara Okafor, Ben Lindqvist, Chiara Romano, Daniel Novak, Elif Yilmaz, Farid Haddad, Grace Kim
  Hana Suzuki, Ivan Petrov, Jonas Weber, Kavya Iyer, Liam Byrne, Maya Cohen, Noor Rahman
  Oscar Jansen, Priya Nair, Quentin Moreau, Rosa Fuentes, Samir Patel, Tara Walsh, Ulrik Dahl
  Valentina Cruz, Wen Zhang, Xavier Dubois, Yara Mansour, Zofia Kowalska, Adam Horvat, Bianca Silva
  Carlos Mendes, Dina Abbas, Erik Nilsen, Fatima Diallo, Gustav Holm, Helena Costa, Idris Bello
  Julia Schmidt, Kenji Mori, Leila Farouk, Marco Ricci, Nina Volkova, Omar Siddiqui, Paula Ortiz`)

/** The projects beside the Default project, with their service accounts. */
export const projects: Record<string, readonly string[]> = {
  'Chat assistant': ['chat-api', 'chat-moderation', 'chat-evals'],
  Search: ['search-indexer', 'search-ranker', 'search-api'],
  'Data pipeline': ['ingest-worker', 'nightly-batch', 'pipeline-ci'],
  Hackathon: ['demo-bot', 'scoreboard', 'judge'],
}

/** Names of keys: what people make keys for. */
export const purposes =
  lines(`laptop, notebook, local development, staging, prompt experiments, evaluation, load test, CI
  translation spike, support bot, embeddings backfill, mobile app, customer demo, summaries, playground
  onboarding, regression suite, log triage, ticket router, weekly report, code review bot, data labelling`)
