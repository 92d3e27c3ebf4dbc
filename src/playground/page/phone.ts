// Whether the page is shown on something narrow, where a pane shows its files or its content (styles/phone.css). Not here: how.

export function isPhone(): boolean {
  return matchMedia('(max-width: 720px)').matches
}
