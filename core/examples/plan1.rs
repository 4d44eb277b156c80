fn main() {
    let d = minicontain::Spec::new(["/bin/true"]);
    minicontain::Plan::new(d.clone()).unwrap();
    eprintln!("MARK");
    minicontain::Plan::new(d).unwrap();
    eprintln!("MARK");
}
