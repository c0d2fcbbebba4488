// Goes on to the provider by itself; without scripts the button does.
document.getElementById("to-provider").submit();
