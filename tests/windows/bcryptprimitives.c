// Supplies what wine lacks: the random numbers of Rust's standard library, and a check of a certificate's revocation
// that passes without a revocation list.
#include <windows.h>
#include <wincrypt.h>
#include <ntsecapi.h>

BOOL WINAPI ProcessPrng(unsigned char *bytes, SIZE_T length)
{
    return RtlGenRandom(bytes, (ULONG)length);
}

BOOL WINAPI CertDllVerifyRevocation(DWORD encoding, DWORD type, DWORD count, void *contexts[], DWORD flags,
                                    CERT_REVOCATION_PARA *parameters, CERT_REVOCATION_STATUS *status)
{
    status->dwIndex = 0;
    status->dwError = 0;
    return TRUE;
}
