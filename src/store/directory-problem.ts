// What a survey of a directory store finds (directory-survey.ts): the kinds of problems, and what others say of objects.
// Not here: how they are found.

/**
 * `altered`: not the content that its name, or a claim, says. `misplaced`: an object, whole, but at another's place.
 * `missing`: claimed and not there. `stray`: no object, or one that nobody claims. `unreadable`: can't be looked at.
 */
export type ProblemKind = 'altered' | 'misplaced' | 'missing' | 'stray' | 'unreadable'

export interface Problem {
  readonly kind: ProblemKind
  /** Path below the store's root. */
  readonly object: string
  /** In words. */
  readonly why: string
  /** Of what lies there, in hex. */
  readonly digest?: string
  /** Of what lies there, in bytes. */
  readonly size?: number
  /** Where it should lie. */
  readonly belongs?: string
  /** Whose claim it is about, the first if there are more. */
  readonly neededBy?: string
}

/** What somebody (an image) says of an object that he needs. */
export interface Claim {
  /** Bytes. */
  readonly size: number
  /** In hex; undefined where he gives none. */
  readonly digest: string | undefined
  /** Who, for messages. */
  readonly by: string
}
