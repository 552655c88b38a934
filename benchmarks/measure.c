/* Runs a command and says what it cost: wall seconds from fork to exit, and ru_maxrss of the largest process in its tree.
 *
 * A process inherits the ru_maxrss of the one that forked it, so a Python parent would make everything look as large as itself;
 * this program is small. The report goes to a file, so that the command's own output stays its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <errno.h>

int main(int count, char **arguments)
{
    struct timespec start, end;
    struct rusage usage;
    int status;
    pid_t child;
    FILE *report;
    if (count < 3) {
        fprintf(stderr, "usage: measure REPORT COMMAND...\n");
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &start);
    child = fork();
    if (child == 0) {
        execvp(arguments[2], arguments + 2);
        fprintf(stderr, "measure: %s: %s\n", arguments[2], strerror(errno));
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0) {
        perror("measure");
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    report = fopen(arguments[1], "w");
    if (!report) {
        perror(arguments[1]);
        return 2;
    }
    fprintf(report, "%.9f %ld\n", (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9,
            usage.ru_maxrss);
    fclose(report);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
