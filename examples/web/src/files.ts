// Files that someone drops: also those in folders.

export const isNetwork = ({ name }: File): boolean => /\.(onnx|tflite)$/i.test(name);
export const isPhoto = ({ name, type }: File): boolean =>
  type.startsWith('image/') || /\.(jpe?g|png|webp)$/i.test(name);

/** All files of a drop. Call it in the event's handler: what was dropped is gone after it. */
export async function droppedFiles(data: DataTransfer | null): Promise<File[]> {
  const entries = [...(data?.items ?? [])].map((item) => item.webkitGetAsEntry?.() ?? null);
  const files = [...(data?.files ?? [])];
  if (!entries.some((entry) => entry?.isDirectory)) return files;
  return (await Promise.all(entries.map((entry) => (entry ? filesIn(entry) : [])))).flat();
}

async function filesIn(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(filesIn))).flat();
}

/** Lets files be dropped on an element, which is marked meanwhile. */
export function acceptDrops(place: HTMLElement, take: (files: File[]) => void): void {
  place.addEventListener('dragover', (event) => {
    event.preventDefault();
    place.classList.add('dragged');
  });
  place.addEventListener('dragleave', (event) => {
    if (!place.contains(event.relatedTarget as Node | null)) place.classList.remove('dragged');
  });
  place.addEventListener('drop', (event) => {
    event.preventDefault();
    place.classList.remove('dragged');
    void droppedFiles(event.dataTransfer).then(take);
  });
}
