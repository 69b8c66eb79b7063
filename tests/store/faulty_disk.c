/* A disk that fails or is slow on demand, for files whose path contains a marker.
 * FAULTS names a file: "<errno> <milliseconds> <marker>"; without that file all goes well.
 * Each failure adds a byte to the file of that name and ".count". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fault(int fd) {
    const char *plan = getenv("FAULTS");
    FILE *file = plan ? fopen(plan, "r") : NULL;
    char marker[256], link[64], path[4096];
    int error = 0, milliseconds = 0;
    if (!file) return 0;
    int found = fscanf(file, "%d %d %255s", &error, &milliseconds, marker);
    fclose(file);
    if (found != 3) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!strstr(path, marker)) return 0;
    usleep(milliseconds * 1000);
    if (error) {
        snprintf(path, sizeof path, "%s.count", plan);
        int count = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (count >= 0) {
            if (write(count, ".", 1) != 1) error = EIO;
            close(count);
        }
    }
    return error;
}

#define WRITES(name, offset_type)                                                       \
    ssize_t name(int fd, const void *data, size_t count, offset_type offset) {          \
        static ssize_t (*real)(int, const void *, size_t, offset_type);                 \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                      \
        int error = fault(fd);                                                          \
        if (error) { errno = error; return -1; }                                        \
        return real(fd, data, count, offset);                                           \
    }
#define FLUSHES(name)                                                                   \
    int name(int fd) {                                                                  \
        static int (*real)(int);                                                        \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                      \
        int error = fault(fd);                                                          \
        if (error) { errno = error; return -1; }                                        \
        return real(fd);                                                                \
    }
WRITES(pwrite, off_t)
WRITES(pwrite64, off64_t)
FLUSHES(fsync)
FLUSHES(fdatasync)
