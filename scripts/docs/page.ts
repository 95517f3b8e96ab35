/** A generated page. */
export interface Page {
  file: string
  title: string
  /** One sentence for the index. */
  about: string
  text: string
}
