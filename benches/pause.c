/* The program of a container that others join: it does nothing. */
#include <unistd.h>

int main(void)
{
    for (;;)
        pause();
}
