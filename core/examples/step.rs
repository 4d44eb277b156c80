//! Makes a container step by step and shows each step's result, and the namespaces as they come. With `-i` first, it
//! waits for a line before each step. The container is what the arguments run, or a spec in JSON.

fn main() -> Result<(), minicontain::Error> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let waits = args.first().is_some_and(|first| first == "-i");
    args.drain(..usize::from(waits));
    let spec = match args.first() {
        Some(json) if json.starts_with('{') => minicontain::Spec::from_json(json)?,
        _ => minicontain::Spec::new(args),
    };
    let mut stepper = minicontain::Plan::new(spec)?.start_paused()?;
    let wait = || !waits || std::io::stdin().read_line(&mut String::new()).is_ok_and(|len| len > 0);
    while wait() {
        let Some(done) = stepper.step()? else { break };
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
