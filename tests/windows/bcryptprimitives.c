// wine has no bcryptprimitives.dll, from which Rust's standard library takes its random numbers.
#include <windows.h>
#include <ntsecapi.h>

BOOL WINAPI ProcessPrng(unsigned char *bytes, SIZE_T length)
{
    return RtlGenRandom(bytes, (ULONG)length);
}
