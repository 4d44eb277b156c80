//! Makes a container step by step and shows each step's result, and the namespaces as they come.

fn main() -> Result<(), minicontain::Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut stepper = minicontain::Plan::new(minicontain::Spec::new(args))?.start_paused()?;
    while let Some(done) = stepper.step()? {
        let uts = stepper.pid().and_then(|pid| std::fs::read_link(format!("/proc/{pid}/ns/uts")).ok());
        println!(
            "{:<9} {}({:.60}) = {}   {}",
            done.side,
            done.syscall,
            done.arguments,
            done.result,
            uts.unwrap_or_default().display()
        );
    }
    let outcome = stepper.finish()?.wait()?;
    println!("{outcome:?}");
    Ok(())
}
