#include "textflag.h"

// The kernel calls handler with the number of the signal in DI, on a stack that the Go runtime has
// for signals. It restores all registers afterwards.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0
	SUBQ $8, SP
	MOVB DI, (SP)
	MOVL ·signalW(SB), DI
	MOVQ SP, SI
	MOVL $1, DX
	MOVL $1, AX // write
	SYSCALL
	ADDQ $8, SP
	RET

// func handlerPC() uintptr
TEXT ·handlerPC(SB), NOSPLIT, $0-8
	MOVQ $handler<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET
