// Prints every entry below a directory as lstat tells of it, by its path from there, in the order of bytes: as ls -lR, but in full.
// Walks by paths; `list DIR numbers` adds inode numbers, which differ between trees.
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int with_numbers;

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static char type_of(mode_t mode) {
  return S_ISDIR(mode) ? 'd' : S_ISREG(mode) ? '-' : S_ISLNK(mode) ? 'l' : S_ISCHR(mode) ? 'c' : S_ISBLK(mode) ? 'b' : 's';
}

static void list(const char *dir, const char *shown) {
  DIR *open = opendir(dir);
  if (open == NULL) {
    printf("%s: %s\n", shown, strerror(errno));
    return;
  }
  char **names = NULL;
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if ((count & (count - 1)) == 0) names = realloc(names, (count == 0 ? 1 : 2 * count) * sizeof *names);
    names[count++] = strdup(entry->d_name);
  }
  closedir(open);
  qsort(names, count, sizeof *names, by_bytes);
  for (size_t i = 0; i < count; i++) {
    size_t room = strlen(dir) + strlen(shown) + strlen(names[i]) + 2;
    char *path = malloc(room), *name = malloc(room), target[4096];
    snprintf(path, room, "%s/%s", dir, names[i]);
    snprintf(name, room, "%s/%s", shown, names[i]);
    struct stat s;
    if (lstat(path, &s) != 0) {
      printf("%s: %s\n", name, strerror(errno));
    } else {
      long long size = S_ISDIR(s.st_mode) ? 0 : (long long)s.st_size;
      printf("%c %llu %lld %lld.%09ld %s", type_of(s.st_mode), (unsigned long long)s.st_nlink, size,
             (long long)s.st_mtim.tv_sec, (long)s.st_mtim.tv_nsec, name);
      if (with_numbers) printf(" #%llu", (unsigned long long)s.st_ino);
      if (S_ISLNK(s.st_mode)) {
        ssize_t length = readlink(path, target, sizeof target);
        printf(" -> %.*s", (int)length, target);
      }
      putchar('\n');
      if (S_ISDIR(s.st_mode)) list(path, name);
    }
    free(path);
    free(name);
    free(names[i]);
  }
  free(names);
}

int main(int argc, char **argv) {
  with_numbers = argc > 2;
  list(argc > 1 ? argv[1] : ".", "");
  return 0;
}
