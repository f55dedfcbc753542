/* What nap runs beside a container, in its network, to reach a port there: `nap port-forward`.

   reach                    holds the network: waits until its input ends
   reach PORT ADDRESS...    connects to the first address that takes it, and passes bytes on:
                            standard input to it, what it sends to standard output

   On standard error it says, a line each: `c`, connected; `r ERRNO`, nobody takes it; `e COUNT`,
   the other side sends no more after that many bytes (`x COUNT`: it broke off). An end of standard input is passed on as an
   end of that direction alone. It needs nothing of its container: no library, no file.

   `python tools/reach/build.py` compiles it. */

typedef unsigned long word;

enum { IN = 0, OUT = 1, SAY = 2, AF_INET = 2, AF_INET6 = 10, SOCK_STREAM = 1 };
enum { POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16 };
enum { EINTR = 4, EAGAIN = 11, F_SETFL = 4, O_NONBLOCK = 2048 };
enum { MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000, SHUT_WR = 1, PIECE = 65536 };

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, CLOSE = 3, SOCKET = 41, CONNECT = 42, SENDTO = 44, RECVFROM = 45,
       SHUTDOWN = 48, FCNTL = 72, EXIT = 231, PPOLL = 271 };

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    long answer;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(answer)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return answer;
}

__asm__(".globl _start\n_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
#elif defined(__aarch64__)
enum { READ = 63, WRITE = 64, CLOSE = 57, SOCKET = 198, CONNECT = 203, SENDTO = 206,
       RECVFROM = 207, SHUTDOWN = 210, FCNTL = 25, EXIT = 94, PPOLL = 73 };

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

__asm__(".globl _start\n_start: mov x29, #0\n mov x0, sp\n bl begin\n");
#endif

struct poll { int fd; short wanted, found; };
struct way { unsigned char *bytes; word from, to; int ended, told; };

static unsigned char up[PIECE], down[PIECE];

static void leave(int code)
{
    for (;;)
        call(EXIT, code, 0, 0, 0, 0, 0);
}

/* `letter`, a space and a number, as one line on standard error. */
static void say(char letter, word number)
{
    char line[32];
    int at = sizeof line;
    line[--at] = '\n';
    do {
        line[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    line[--at] = ' ';
    line[--at] = letter;
    call(WRITE, SAY, (long)(line + at), (long)sizeof line - at, 0, 0, 0);
}

static word number_of(const char **text)
{
    word found = 0;
    while (**text >= '0' && **text <= '9')
        found = found * 10 + (word)(*(*text)++ - '0');
    return found;
}

/* A connection to an address, such as 127.0.0.1 or ::1 (no other of its kind); below 0: errno. */
static long connected(const char *address, word port)
{
    unsigned char where[28];
    int size = address[0] == ':' ? 28 : 16;
    for (int i = 0; i < 28; i++)
        where[i] = 0;
    where[0] = address[0] == ':' ? AF_INET6 : AF_INET;
    where[2] = (unsigned char)(port >> 8);
    where[3] = (unsigned char)port;
    if (address[0] == ':')
        where[23] = 1;
    else
        for (int i = 4; i < 8; i++) {
            where[i] = (unsigned char)number_of(&address);
            address += *address == '.';
        }
    long socket = call(SOCKET, where[0], SOCK_STREAM, 0, 0, 0, 0);
    if (socket < 0)
        return socket;
    long failed = call(CONNECT, socket, (long)where, size, 0, 0, 0);
    if (failed) {
        call(CLOSE, socket, 0, 0, 0, 0, 0);
        return failed;
    }
    return socket;
}

static int must_wait(long answer)
{
    return answer == -EAGAIN || answer == -EINTR;
}

/* Fill an empty way; false where its source is broken. */
static int fill(struct way *way, long source, int is_socket)
{
    long got = is_socket ? call(RECVFROM, source, (long)way->bytes, PIECE, MSG_DONTWAIT, 0, 0)
                         : call(READ, source, (long)way->bytes, PIECE, 0, 0, 0);
    if (must_wait(got))
        return 1;
    way->from = 0;
    way->to = got > 0 ? (word)got : 0;
    way->ended = got <= 0;
    return got >= 0;
}

/* Pass on what is on the way; false where nobody takes it any more. */
static int drain(struct way *way, long target, int is_socket)
{
    long left = (long)(way->to - way->from);
    long put = is_socket
        ? call(SENDTO, target, (long)(way->bytes + way->from), left, MSG_DONTWAIT | MSG_NOSIGNAL,
               0, 0)
        : call(WRITE, target, (long)(way->bytes + way->from), left, 0, 0, 0);
    if (must_wait(put))
        return 1;
    if (put < 0)
        return 0;
    way->from += (word)put;
    return 1;
}

static void pass_on(long socket)
{
    struct way there = { up, 0, 0, 0, 0 }, back = { down, 0, 0, 0, 0 };
    word count = 0;
    call(FCNTL, IN, F_SETFL, O_NONBLOCK, 0, 0, 0);
    call(FCNTL, OUT, F_SETFL, O_NONBLOCK, 0, 0, 0);
    while (!(there.told && back.told)) {
        int full_up = there.from < there.to, full_down = back.from < back.to;
        short wanted =
            (short)((full_up ? POLLOUT : 0) | (!back.ended && !full_down ? POLLIN : 0));
        struct poll polls[3] = {
            { !there.ended && !full_up ? IN : -1, POLLIN, 0 },
            { full_down ? OUT : -1, POLLOUT, 0 },
            /* A broken one is told of whatever is wanted: only looked at where that is heeded. */
            { wanted || back.told ? (int)socket : -1, wanted, 0 },
        };
        long found = call(PPOLL, (long)polls, 3, 0, 0, 0, 0);
        if (found < 0 && !must_wait(found))
            leave(1);
        if (polls[0].found)
            fill(&there, IN, 0);
        if (polls[1].found && !drain(&back, OUT, 0))
            leave(0);
        if (polls[2].found & (POLLOUT | POLLERR | POLLHUP)) {
            if (full_up && !drain(&there, socket, 1)) {
                there.from = there.to;
                there.ended = 1;
            }
            if (back.told && !full_up && polls[2].found & (POLLERR | POLLHUP))
                leave(0);
        }
        if (polls[2].found & (POLLIN | POLLERR | POLLHUP) && !back.ended && !full_down) {
            int good = fill(&back, socket, 1);
            count += back.to - back.from;
            if (!good) {
                say('x', count);
                leave(1);
            }
        }
        if (there.ended && there.from == there.to && !there.told) {
            call(SHUTDOWN, socket, SHUT_WR, 0, 0, 0, 0);
            there.told = 1;
        }
        if (back.ended && back.from == back.to && !back.told) {
            say('e', count);
            back.told = 1;
        }
    }
    leave(0);
}

__attribute__((used)) void begin(word *stack)
{
    const char **words = (const char **)(stack + 1);
    if (stack[0] < 3) {
        while (call(READ, IN, (long)up, PIECE, 0, 0, 0) > 0)
            ;
        leave(0);
    }
    word port = number_of(&words[1]);
    long first = 0;
    for (word i = 2; i < stack[0]; i++) {
        long found = connected(words[i], port);
        if (found >= 0) {
            say('c', 0);
            pass_on(found);
        }
        if (!first)
            first = found;
    }
    say('r', (word)-first);
    leave(1);
}
