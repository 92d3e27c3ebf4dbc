// What was dropped on the page, as files. Not here: what becomes of them.

/** Files of a drop; folders are left out. */
export async function filesOf(data: DataTransfer): Promise<File[]> {
  return [...data.files]
}
