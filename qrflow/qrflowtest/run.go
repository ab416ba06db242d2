package qrflowtest

import "testing"

// Run runs the whole suite over stores that open makes, one or more for each
// test.
func Run(t *testing.T, open Opener) {
	for name, test := range map[string]func(testing.TB, Opener){
		"Expiry":                 testExpiry,
		"ExpiryIsSeen":           testExpiryIsSeen,
		"SigningStays":           testSigningStays,
		"SweepGoesOn":            testSweepGoesOn,
		"DecideTimes":            testDecideTimes,
		"FrameWindow":            testFrameWindow,
		"ForgedFrames":           testForgedFrames,
		"FramesOnlyWhileOpen":    testFramesOnlyWhileOpen,
		"GuessedHandles":         testGuessedHandles,
		"SameClaimAgain":         testSameClaimAgain,
		"OpenTickets":            testOpenTickets,
		"Rates":                  testRates,
		"BlockingDevice":         testBlockingDevice,
		"BadRequests":            testBadRequests,
		"OpenIn":                 testOpenIn,
		"KillSwitch":             testKillSwitch,
		"SecretRotation":         testSecretRotation,
		"Matrix":                 testMatrix,
		"WrongNumber":            testWrongNumber,
		"RightAfterWrong":        testRightAfterWrong,
		"NumberIsForTheLivePage": testNumberIsForTheLivePage,
		"Report":                 testReport,
		"ReportOfAnApproval":     testReportOfAnApproval,
		"Strangers":              testStrangers,
		"RightAfterStranger":     testRightAfterStranger,
		"RefusedHead":            testRefusedHead,
		"OrderOfChecks":          testOrderOfChecks,
		"BadSignatures":          testBadSignatures,
		"SlowRecheck":            testSlowRecheck,
		"FutureFrames":           testFutureFrames,
		"EndedCodes":             testEndedCodes,
		"Replay":                 testReplay,
		"WrongHead":              testWrongHead,
		"PageToken":              testPageToken,
		"PageTokenOnce":          testPageTokenOnce,
		"Resume":                 testResume,
		"Theft":                  testTheft,
		"ParallelResumes":        testParallelResumes,
		"EndedPages":             testEndedPages,
		"SecretsStayOut":         testSecretsStayOut,
		"PlayThrough":            testPlayThrough,
		"TwoClaims":              testTwoClaims,
		"ParallelApproves":       testParallelApproves,
		"TwoSignatures":          testTwoSignatures,
		"ParallelGuesses":        testParallelGuesses,
		"ParallelOpens":          testParallelOpens,
		"ParallelRedeems":        testParallelRedeems,
		"ParallelEnds":           testParallelEnds,
		"RedeemRepeats":          testRedeemRepeats,
		"RedeemTooLate":          testRedeemTooLate,
		"RedeemCaught":           testRedeemCaught,
		"RedeemGuessed":          testRedeemGuessed,
		"CodeIsShownWhileDue":    testCodeIsShownWhileDue,
		"NothingToMake":          testNothingToMake,
		"Foreign":                testForeign,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}
