#include "textflag.h"

// The kernel calls handler with the number of the signal in R0, on a stack that the Go runtime has
// for signals. It restores all registers afterwards.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0
	SUB  $16, RSP
	MOVB R0, (RSP)
	MOVW ·signalW(SB), R0
	MOVD RSP, R1
	MOVD $1, R2
	MOVD $64, R8 // write
	SVC
	ADD  $16, RSP
	RET

// func handlerPC() uintptr
TEXT ·handlerPC(SB), NOSPLIT, $0-8
	MOVD $handler<>(SB), R0
	MOVD R0, ret+0(FP)
	RET
